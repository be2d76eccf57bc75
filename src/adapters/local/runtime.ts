import { rm } from 'node:fs/promises';
import type { ObservedContainer } from '../../core/observed.ts';
import type { Project, Server, Service } from '../../core/project.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LogLine, Runtime } from '../../ports/runtime.ts';
import { askHealth, pollHealth } from './health-poll.ts';
import { LatestLook } from './latest-look.ts';
import { mergeStreams } from './merge-streams.ts';
import { localPaths } from './paths.ts';
import { isRunning } from './process-identity.ts';
import { Seats } from './seats.ts';
import { type Endpoint, madeFrom, serviceUrl } from './service-environment.ts';
import { followLog, logSize, readLogTail } from './service-log.ts';
import { loadState, type ServiceExit, type ServiceState } from './state-file.ts';

/** What the local runtime is made with. */
export interface LocalRuntimeOptions {
  readonly project: Project;
  /** What of orch's own environment services get, such as PATH and HOME. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Number of this process. */
  readonly pid: number;
  /** True for `up`: it keeps the databases and services until it is ended, and other orch processes work through it. */
  readonly stays: boolean;
  /** ms that a client may leave a transaction open without a word, while others wait. */
  readonly idleInTransaction?: number;
  /** A service's process ended by itself. */
  readonly onServiceExited?: (service: string, exitCode: number | undefined, signal: string | undefined) => void;
  /** The databases are held by the orch process with this number; undefined: by this one. */
  readonly onSeat?: (holder: number | undefined) => void;
  /** Something went wrong that stops nothing: a sentence. */
  readonly onTrouble?: (message: string) => void;
}

/** A runtime that says where it serves each database. */
export interface LocalRuntime extends Runtime {
  readonly kind: 'local';
  /** Where the service's database is reached; undefined before `startServer`. */
  locate(service: Service): Endpoint | undefined;
  /** Throws the database's data away and serves an empty one, at the same address, owned by its owner. */
  recreateDatabase(service: Service): Promise<void>;
  /** Closes the database and throws its data away. */
  discardDatabase(service: Service): Promise<void>;
}

/** Lines of the log shown with a failure. */
const tailLength = 20;
/** ms that a health check may take within one observation. */
const observeTimeout = 1000;

/** PGlite for databases and child processes for services: nothing has to be installed. */
export function createLocalRuntime(options: LocalRuntimeOptions): LocalRuntime {
  return new PgliteRuntime(options);
}

class PgliteRuntime implements LocalRuntime {
  readonly kind = 'local';
  readonly #options: LocalRuntimeOptions;
  readonly #paths: ReturnType<typeof localPaths>;
  readonly #seats: Seats;
  readonly #located: LatestLook<readonly (Endpoint & { readonly database: string })[]>;

  constructor(options: LocalRuntimeOptions) {
    this.#options = options;
    this.#paths = localPaths(options.project.root);
    this.#seats = new Seats(this.#paths, options);
    this.#located = new LatestLook(() => this.#seats.databases(), []);
  }

  get holds(): boolean {
    return this.#options.stays && !this.#seats.isGuest;
  }

  async startServer(
    _server: Server,
    services: readonly Service[],
    signal: AbortSignal,
  ): Promise<'started' | 'running'> {
    const opened = await this.#seats.act('start-databases', services, signal);
    await this.#located.renew();
    return opened > 0 ? 'started' : 'running';
  }

  locate(service: Service): Endpoint | undefined {
    return this.#located.found.find(({ database }) => database === service.database);
  }

  async recreateDatabase(service: Service): Promise<void> {
    await this.#seats.act('recreate-database', [service]);
    await this.#located.renew();
  }

  async discardDatabase(service: Service): Promise<void> {
    await this.#seats.act('discard-database', [service]);
    await this.#located.renew();
  }

  async observe(services: readonly Service[]): Promise<ReadonlyMap<string, ObservedContainer>> {
    const states = await this.#serviceStates();
    const startable = services.filter(hasCommand);
    return new Map(
      await Promise.all(
        startable.map(async (service) => [service.name, await observeOne(service, states.get(service.name))] as const),
      ),
    );
  }

  async buildImage(): Promise<void> {
    // A process needs none.
  }

  async startService(service: Service, action: 'create' | 'recreate' | 'start', signal: AbortSignal): Promise<void> {
    await this.#seats.act(action === 'recreate' ? 'replace-service' : 'start-service', [service], signal);
  }

  async stopService(service: Service): Promise<void> {
    await this.#seats.act('stop-service', [service]);
  }

  async waitHealthy(service: Service, signal: AbortSignal): Promise<{ readonly url: string | undefined }> {
    if (!hasCommand(service)) return { url: undefined };
    const { clock } = this.#options;
    const look = async (): Promise<ServiceExit | 'running' | undefined> =>
      await processState((await this.#serviceStates()).get(service.name));
    const tail = async (): Promise<readonly string[]> => {
      const start = (await this.#serviceStates()).get(service.name)?.logStart;
      const lines = await readLogTail(service.name, this.#paths.log(service.name), tailLength, start);
      return lines.map(({ text }) => text);
    };
    await pollHealth({ service, clock, signal, look, tail });
    return { url: serviceUrl(service) };
  }

  async down(services: readonly Service[], options: { readonly volumes: boolean }): Promise<readonly string[]> {
    const stopped = await this.#seats.empty(services, isWhole(this.#options.project, services));
    if (!options.volumes) return stopped;
    await this.#seats.asHolder(async ({ databases }) => {
      for (const { database } of services) await databases.discard(database);
      for (const { name } of services) {
        for (const suffix of ['', '.1']) await rm(this.#paths.log(name) + suffix, { force: true });
      }
      if (isWhole(this.#options.project, services)) await databases.discardShared();
    });
    return stopped;
  }

  async *logs(
    services: readonly Service[],
    options: { readonly follow: boolean; readonly tail: number | undefined; readonly signal: AbortSignal },
  ): AsyncGenerator<LogLine> {
    const followed: AsyncIterator<LogLine>[] = [];
    for (const { name } of services) {
      const file = this.#paths.log(name);
      const size = await logSize(file);
      yield* await readLogTail(name, file, options.tail);
      followed.push(followLog(name, file, size, this.#options.clock, options.signal));
    }
    if (options.follow) yield* mergeStreams(followed);
  }

  async untilEnded(signal: AbortSignal): Promise<void> {
    const ending = await this.#seats.ended(signal);
    if (ending.kind === 'database-lost') throw ending.failure;
  }

  async close(): Promise<void> {
    await this.#seats.close();
  }

  async #serviceStates(): Promise<ReadonlyMap<string, ServiceState>> {
    const held = this.#seats.holder;
    if (held !== undefined) return new Map(held.services.states.map((state) => [state.service, state]));
    const found = await loadState(this.#paths.state);
    return new Map((found.kind === 'state' ? found.state.services : []).map((state) => [state.service, state]));
  }
}

function hasCommand(service: Service): boolean {
  return service.local !== undefined && service.local.command.length > 0;
}

function isWhole(project: Project, services: readonly Service[]): boolean {
  return project.services.every(({ name }) => services.some((service) => service.name === name));
}

async function processState(state: ServiceState | undefined): Promise<ServiceExit | 'running' | undefined> {
  if (state === undefined) return undefined;
  if (state.exit !== undefined) return state.exit;
  return (await isRunning(state.process)) ? 'running' : { exitCode: undefined, signal: undefined };
}

/** A process is started from the service's folder as it is. */
const noImage = { image: undefined, imageMissing: false } as const;

async function observeOne(service: Service, state: ServiceState | undefined): Promise<ObservedContainer> {
  const now = await processState(state);
  if (state === undefined || now === undefined) {
    return { ...noImage, state: 'absent', health: 'none', upToDate: true, url: undefined, id: undefined };
  }
  const common = {
    ...noImage,
    upToDate: state.madeFrom === madeFrom(service),
    url: state.url,
    id: String(state.process.pid),
  };
  if (now !== 'running') return { ...common, state: 'exited', health: 'none' };
  return { ...common, state: 'running', health: await observeHealth(service) };
}

async function observeHealth(service: Service): Promise<ObservedContainer['health']> {
  if (service.health.url === undefined) return 'none';
  const answer = await askHealth(service.health.url, observeTimeout);
  if (answer.healthy) return 'healthy';
  return answer.refused ? 'starting' : 'unhealthy';
}
