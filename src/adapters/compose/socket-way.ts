import { Failure } from '../../core/failure.ts';
import type { ObservedContainer } from '../../core/observed.ts';
import type { Server, Service } from '../../core/project.ts';
import { refusalFailure } from './compose-errors.ts';
import type { InspectedContainer } from './engine-shapes.ts';
import { describeContainer, inspectContainers, stopContainers } from './observe-containers.ts';
import type { Way, WayContext } from './way.ts';

/**
 * With the engine's socket alone, as inside the orchestrator's own container: containers that `docker compose create` or
 * an earlier `up` left are found by their labels, started and stopped. None is ever created here, so none can be given
 * rights that the compose file does not give.
 */
export class SocketWay implements Way {
  readonly #context: WayContext;
  readonly #why: string;

  /** @param why why there is no other way, for messages */
  constructor(context: WayContext, why: string) {
    this.#context = context;
    this.#why = why;
  }

  async startServer(server: Server, signal: AbortSignal): Promise<'started' | 'running'> {
    if (server.container === undefined) return 'running';
    const container = await this.#require(server.name, server.container, signal);
    if (container.state === 'running' || container.state === 'restarting') return 'running';
    await this.#start(server.name, container, signal);
    return 'started';
  }

  async observe(services: readonly Service[]): Promise<ReadonlyMap<string, ObservedContainer>> {
    const contained = services.filter((service) => service.container !== undefined);
    const found = await inspectContainers(
      this.#context,
      contained.map(({ container }) => container ?? ''),
    );
    return new Map(
      contained.map((service) => {
        const container = found.get(service.container ?? '');
        const fresh = { upToDate: true, imageMissing: false, image: undefined };
        return [service.name, describeContainer(this.#context, service, container, fresh)];
      }),
    );
  }

  async buildImage(service: Service): Promise<void> {
    const reason = `${this.#why}, so no image can be built or pulled`;
    throw new Failure('service-not-started', { service: service.name, reason, logTail: [] });
  }

  async startService(service: Service, signal: AbortSignal): Promise<void> {
    if (service.container === undefined) return;
    const container = await this.#require(service.name, service.container, signal);
    if (container.state !== 'running') await this.#start(service.name, container, signal);
  }

  /** Loopback is this container's own: the address is meant for who runs orch on the host. */
  probedUrl(service: Service): string | undefined {
    const { url } = service.health;
    if (url === undefined || !URL.canParse(url)) return undefined;
    return /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname) ? undefined : url;
  }

  async down(
    services: readonly Service[],
    servers: readonly Server[] | undefined,
    volumes: boolean,
  ): Promise<readonly string[]> {
    if (volumes) {
      throw new Failure('usage-invalid', { message: `${this.#why}: volumes can only be removed with the Compose CLI` });
    }
    const names = (owners: readonly (Service | Server)[]): string[] =>
      owners.flatMap(({ container }) => container ?? []);
    // Services first: they use the servers.
    const stopped = await stopContainers(this.#context, names(services));
    return [...stopped, ...(await stopContainers(this.#context, names(servers ?? [])))];
  }

  async #require(owner: string, name: string, signal: AbortSignal): Promise<InspectedContainer> {
    const container = (await inspectContainers(this.#context, [name], signal)).get(name);
    if (container !== undefined) return container;
    const { composeProject } = this.#context;
    const reason =
      `${this.#why}, and project ${composeProject} has no container of the Compose service ${name}; ` +
      `create it where the compose file is: docker compose -p ${composeProject} create ${name}`;
    throw new Failure('service-not-started', { service: owner, reason, logTail: [] });
  }

  async #start(owner: string, container: InspectedContainer, signal: AbortSignal): Promise<void> {
    await this.#context.engine.startContainer(container.id, signal).catch((error: unknown) => {
      throw refusalFailure({ service: owner, image: container.image }, error);
    });
  }
}
