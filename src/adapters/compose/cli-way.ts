import { Failure } from '../../core/failure.ts';
import type { ObservedContainer } from '../../core/observed.ts';
import type { Project, Server, Service } from '../../core/project.ts';
import type { ComposeAnswer, ComposeCli } from './compose-cli.ts';
import { buildFailure, isCreateConflict, pullFailure, startFailure } from './compose-errors.ts';
import {
  type ComposeProject,
  type ComposeService,
  loadComposeProject,
  requireComposeService,
} from './compose-project.ts';
import type { InspectedContainer } from './engine-shapes.ts';
import { labelFilters, labels } from './labels.ts';
import { describeContainer, inspectContainers } from './observe-containers.ts';
import type { Way, WayContext } from './way.ts';

/**
 * With the Compose CLI: it creates, replaces and removes, always one named service without those it depends on, and
 * decides itself by its own hash whether a container must be replaced. What is there is read from the engine.
 */
export class CliWay implements Way {
  readonly #context: WayContext;
  readonly #cli: ComposeCli;
  readonly #project: Project;
  #loaded: Promise<ComposeProject> | undefined;

  constructor(context: WayContext, cli: ComposeCli, project: Project) {
    this.#context = context;
    this.#cli = cli;
    this.#project = project;
  }

  async startServer(server: Server, signal: AbortSignal): Promise<'started' | 'running'> {
    if (server.container === undefined) return 'running';
    const [found, service] = await Promise.all([
      inspectContainers(this.#context, [server.container], signal),
      this.#require(server.container),
    ]);
    const container = found.get(service.name);
    const runs = container?.state === 'running' || container?.state === 'restarting';
    if (runs && (await this.#isUpToDate(service, container))) return 'running';
    // Not `--no-build`: a server's image is built or pulled on the way, there is no step for it.
    await this.#up(server.name, service, [], signal);
    return 'started';
  }

  async observe(services: readonly Service[], rebuild: boolean): Promise<ReadonlyMap<string, ObservedContainer>> {
    const contained = services.flatMap((service) =>
      service.container === undefined ? [] : [{ service, name: service.container }],
    );
    if (contained.length === 0) return new Map();
    const names = contained.map(({ name }) => name);
    const [found, project] = await Promise.all([inspectContainers(this.#context, names), this.#load()]);
    const described = contained.map(async ({ service, name }) => {
      const fresh = await this.#freshness(requireComposeService(project, name), found.get(name), rebuild);
      return [service.name, describeContainer(this.#context, service, found.get(name), fresh)] as const;
    });
    return new Map(await Promise.all(described));
  }

  async buildImage(service: Service, signal: AbortSignal, onOutput: (line: string) => void): Promise<void> {
    if (service.container === undefined) return;
    const { name, builds, image } = await this.#require(service.container);
    const subject = { service: service.name, image };
    const answer = await this.#cli.run([builds ? 'build' : 'pull', name], { signal, onOutput });
    if (answer.exitCode === 0) {
      // `pull` passes over what `pull_policy: never` keeps from it, and is content.
      if (builds || (await this.#context.engine.findImageId(image)) !== undefined) return;
      throw new Failure('image-missing', { ...subject, reason: 'docker compose pull brought none: pull_policy?' });
    }
    throw builds ? buildFailure(subject, answer.lines) : pullFailure(subject, answer.lines);
  }

  async startService(service: Service, signal: AbortSignal): Promise<void> {
    if (service.container === undefined) return;
    await this.#up(service.name, await this.#require(service.container), ['--no-build'], signal);
  }

  probedUrl(service: Service): string | undefined {
    return service.health.url;
  }

  async down(
    services: readonly Service[],
    servers: readonly Server[] | undefined,
    volumes: boolean,
  ): Promise<readonly string[]> {
    const names = services.flatMap(({ container }) => container ?? []);
    if (servers === undefined && names.length === 0) return [];
    const args = ['--profile', '*', 'down', ...(volumes ? ['--volumes'] : [])];
    await this.#load();
    const answer = await this.#cli.run(servers === undefined ? [...args, ...names] : args);
    if (answer.exitCode !== 0) throw startFailure({ service: this.#project.name, image: '' }, answer.lines);
    return answer.lines.flatMap((line) => /^\s*(?:Container|Volume|Network) (\S+)\s+Removed/.exec(line)?.[1] ?? []);
  }

  /** Read and checked by Compose once in a run. */
  #load(): Promise<ComposeProject> {
    this.#loaded ??= loadComposeProject(this.#cli, this.#context.composeProject, this.#project.composeFiles);
    return this.#loaded;
  }

  async #require(name: string): Promise<ComposeService> {
    return requireComposeService(await this.#load(), name);
  }

  async #freshness(
    service: ComposeService,
    container: InspectedContainer | undefined,
    rebuild: boolean,
  ): Promise<{ upToDate: boolean; imageMissing: boolean; image: string }> {
    const { image } = service;
    if (rebuild && service.builds) return { image, upToDate: false, imageMissing: true };
    const imageId = await this.#context.engine.findImageId(image);
    if (container === undefined) return { image, upToDate: false, imageMissing: imageId === undefined };
    const upToDate = isSame(service, container, imageId);
    // A container that runs as it should needs its image no more, even where the name was taken from it.
    const imageMissing = imageId === undefined && !(upToDate && container.state === 'running');
    return { image, upToDate, imageMissing };
  }

  async #isUpToDate(service: ComposeService, container: InspectedContainer): Promise<boolean> {
    return isSame(service, container, await this.#context.engine.findImageId(service.image));
  }

  /** @throws Failure `port-taken`, `image-missing`, `service-not-started`, `docker-unavailable` */
  async #up(owner: string, service: ComposeService, flags: readonly string[], signal: AbortSignal): Promise<void> {
    const subject = { service: owner, image: service.image };
    const ids = await this.#containerIds(service.name);
    const up = this.#runUp(['up', '--detach', '--no-deps', ...flags, service.name], signal);
    const answer = await up.catch(async (error: unknown) => {
      // That it was interrupted says more than what went wrong in tidying up.
      if (signal.aborted) await this.#removeLeftover(service.name, ids).catch(() => undefined);
      throw error;
    });
    if (answer.exitCode === 0) return;
    // Why the start failed says more than why the removal did.
    const cause = await this.#removeLeftover(service.name, ids).catch((error: unknown) => error);
    throw startFailure(subject, answer.lines, cause);
  }

  /** Several at once are fine with Compose; two runs of orch may still both make the same container. */
  async #runUp(args: readonly string[], signal: AbortSignal): Promise<ComposeAnswer> {
    const answer = await this.#cli.run(args, { signal });
    if (answer.exitCode === 0 || !isCreateConflict(answer.lines)) return answer;
    return this.#cli.run(args, { signal });
  }

  /** A port that is taken shows only when the container exists (V26); it would stay as `created`. */
  async #removeLeftover(name: string, before: ReadonlySet<string>): Promise<undefined> {
    const { engine, composeProject } = this.#context;
    const listed = await engine.listContainers(labelFilters(composeProject, name));
    const ours = listed.filter(({ id, state }) => state === 'created' && !before.has(id));
    await Promise.all(ours.map(({ id }) => engine.removeContainer(id)));
    return undefined;
  }

  async #containerIds(name: string): Promise<ReadonlySet<string>> {
    const listed = await this.#context.engine.listContainers(labelFilters(this.#context.composeProject, name));
    return new Set(listed.map(({ id }) => id));
  }
}

/** As Compose itself decides it; an image that is gone by name is no reason to replace what was made from it. */
function isSame(service: ComposeService, container: InspectedContainer, imageId: string | undefined): boolean {
  if (container.labels[labels.configHash] !== service.hash) return false;
  const madeFrom = container.labels[labels.image] ?? container.imageId;
  return imageId === undefined || madeFrom === imageId || container.imageId === imageId;
}
