import { Failure } from '../../core/failure.ts';
import type { Service } from '../../core/project.ts';
import { type ControlActions, type ControlServer, serveControl } from './control.ts';
import { DatabaseKeeper } from './database-keeper.ts';
import type { HeldLock } from './holder-lock.ts';
import type { LocalPaths } from './paths.ts';
import type { ProcessIdentity } from './process-identity.ts';
import type { Endpoint } from './service-environment.ts';
import { ServiceKeeper } from './service-keeper.ts';
import { endOrphan } from './service-process.ts';
import { type LocalState, loadState, removeState, type ServiceExit, saveState } from './state-file.ts';

/** ms that an orphan has between SIGTERM and SIGKILL. */
const orphanGrace = 5000;

/** What a holder is made with. */
export interface HolderOptions {
  readonly paths: LocalPaths;
  readonly lock: HeldLock;
  readonly process: ProcessIdentity;
  readonly environment: Readonly<Record<string, string>>;
  /** ms */
  readonly idleInTransaction: number;
  readonly onServiceExited: (service: string, exit: ServiceExit) => void;
  readonly onTrouble: (message: string) => void;
}

/** Why a holder ends. */
export type Ending = { readonly kind: 'asked' } | { readonly kind: 'database-lost'; readonly failure: Failure };

/** The one process that has the project's databases open and its services running, and does others' bidding. */
export class Holder {
  /** What it does, for this process as for others. */
  readonly actions: ControlActions;
  readonly databases: DatabaseKeeper;
  readonly services: ServiceKeeper;
  /** Names of the services whose processes a killed orch had left behind, ended by now. */
  readonly orphans: readonly string[];
  readonly #options: HolderOptions;
  readonly #control: ControlServer;
  readonly #endings: Ending[] = [];
  readonly #listeners = new Set<(ending: Ending) => void>();
  #saved: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor(options: HolderOptions, started: Started) {
    this.#options = options;
    this.actions = holderActions(() => this);
    this.databases = new DatabaseKeeper({
      paths: options.paths,
      idleInTransaction: options.idleInTransaction,
      onLost: (service, error) => this.#end({ kind: 'database-lost', failure: databaseLost(service, error) }),
    });
    this.services = new ServiceKeeper({
      paths: options.paths,
      environment: options.environment,
      locate: (service) => this.locate(service),
      onChange: () => this.#save(),
      // The others stay up, and `up` from another terminal starts it again.
      onExit: (service, exit) => options.onServiceExited(service.name, exit),
      onTrouble: options.onTrouble,
    });
    this.#control = started.control;
    this.orphans = started.orphans;
  }

  /** Makes this process the holder, which has taken the lock: clears up after a killed one and listens for others. */
  static async start(options: HolderOptions): Promise<Holder> {
    const orphans = await endOrphans(options);
    const late: { holder?: Holder } = {};
    const control = await serveControl(holderActions(() => late.holder));
    const holder = new Holder(options, { control, orphans });
    late.holder = holder;
    await holder.#save();
    return holder;
  }

  locate(service: Service): Endpoint | undefined {
    return this.databases.states.find(({ database }) => database === service.database);
  }

  /** Opens databases side by side; gives how many were not open yet. */
  async openDatabases(services: readonly Service[]): Promise<number> {
    const opened = await Promise.all(services.map((service) => this.databases.open(service)));
    await this.#save();
    return opened.filter(Boolean).length;
  }

  async recreateDatabase(service: Service): Promise<void> {
    await this.databases.recreate(service);
    await this.#save();
  }

  /** Closes the database, not its service, and deletes its data. */
  async discardDatabase({ database }: Service): Promise<boolean> {
    const wasOpen = await this.databases.forget(database);
    await this.#save();
    return wasOpen;
  }

  /** Stops these services and closes their databases. */
  async closeDatabases(services: readonly Service[]): Promise<number> {
    for (const service of [...services].reverse()) await this.services.stop(service.name);
    const closed = await Promise.all(services.map(({ database }) => this.databases.close(database)));
    await this.#save();
    return closed.filter(Boolean).length;
  }

  /** Ends for the reason given, for whoever waits in `ended`. */
  leave(): void {
    this.#end({ kind: 'asked' });
  }

  /** Resolves with the first reason to end, from the start on. */
  async ended(signal: AbortSignal): Promise<Ending> {
    signal.throwIfAborted();
    const [earlier] = this.#endings;
    if (earlier !== undefined) return earlier;
    return await new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#listeners.delete(settle);
        reject(signal.reason);
      };
      const settle = (ending: Ending): void => {
        this.#listeners.delete(settle);
        signal.removeEventListener('abort', stop);
        resolve(ending);
      };
      this.#listeners.add(settle);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  /** Stops the services, closes the databases, and lets another process be the holder. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    try {
      await this.services.stopAll();
      await this.databases.closeAll();
      await this.#control.close();
      await this.#saved;
      await removeState(this.#options.paths.state);
    } finally {
      await this.#options.lock.release();
    }
  }

  #end(ending: Ending): void {
    this.#endings.push(ending);
    for (const listener of [...this.#listeners]) listener(ending);
  }

  /** One write after another; a state that can't be written is said, and stops nothing. */
  #save(): Promise<void> {
    const { paths, process, onTrouble } = this.#options;
    this.#saved = this.#saved.then(async () => {
      const { port, token } = this.#control;
      const { states: databases } = this.databases;
      const state: LocalState = {
        format: 1,
        holder: process,
        control: { port, token },
        databases,
        services: this.services.states,
      };
      await saveState(paths.state, state).catch((error: unknown) => {
        onTrouble(`${paths.state} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
      });
    });
    return this.#saved;
  }
}

interface Started {
  readonly control: ControlServer;
  readonly orphans: readonly string[];
}

function holderActions(find: () => Holder | undefined): ControlActions {
  const holder = (): Holder => {
    const found = find();
    if (found === undefined) throw new Error('not ready yet');
    return found;
  };
  const each = async (
    services: readonly Service[],
    action: (service: Service) => Promise<boolean>,
  ): Promise<number> => {
    let count = 0;
    for (const service of services) if (await action(service)) count += 1;
    return count;
  };
  return {
    'start-databases': (services) => holder().openDatabases(services),
    'recreate-database': (services) =>
      each(services, async (service) =>
        holder()
          .recreateDatabase(service)
          .then(() => true),
      ),
    'discard-database': (services) => each(services, (service) => holder().discardDatabase(service)),
    'start-service': (services) => each(services, (service) => holder().services.start(service)),
    'replace-service': (services) =>
      each(services, async (service) => {
        await holder().services.stop(service.name);
        return await holder().services.start(service);
      }),
    'stop-service': (services) => each(services, ({ name }) => holder().services.stop(name)),
    'close-databases': (services) => holder().closeDatabases(services),
    leave: async () => {
      // Answered first: whoever asked then watches the lock.
      setImmediate(() => holder().leave());
      return 1;
    },
  };
}

/** Ends what a holder that was killed left running, so that its ports are free; its databases died with it. */
async function endOrphans(options: HolderOptions): Promise<readonly string[]> {
  const found = await loadState(options.paths.state);
  if (found.kind === 'unreadable') {
    options.onTrouble(
      `${options.paths.state} of an earlier run cannot be read (${found.reason}): services that it left running are not found`,
    );
  }
  if (found.kind !== 'state') return [];
  const running = found.state.services.filter(({ exit }) => exit === undefined);
  const ended = await Promise.all(
    running.map(async ({ service, process }) => ((await endOrphan(process, orphanGrace)) ? [service] : [])),
  );
  return ended.flat();
}

function databaseLost(service: Service, error: Error): Failure {
  const details = {
    service: service.name,
    database: service.database,
    during: 'serving the local database',
    reason: error.message,
  };
  return new Failure('connection-lost', details, { cause: error });
}
