import { Failure } from '../../core/failure.ts';
import type { Service } from '../../core/project.ts';
import { askHolder, type ControlAction, type ControlAddress, HolderGone } from './control.ts';
import { type Ending, Holder } from './holder.ts';
import { findOwner, type LockOwner, takeLock } from './holder-lock.ts';
import type { LocalPaths } from './paths.ts';
import { findProcess } from './process-identity.ts';
import type { LocalRuntimeOptions } from './runtime.ts';
import { type DatabaseState, loadState } from './state-file.ts';

/** How this process takes part: it holds the databases itself, or works through the process that does. */
type Seat =
  | { readonly kind: 'holder'; readonly holder: Holder }
  | { readonly kind: 'guest'; readonly control: ControlAddress };

/** ms between looks at who holds the lock. */
const pause = 50;
/** ms in which a new holder writes where it is reached. */
const introduction = 10_000;
/** ms in which a holder that was asked to leave has left. */
const departure = 30_000;
/** ms */
const idleInTransaction = 60_000;

/** Finds this process its seat when it first needs one, and acts from it. */
export class Seats {
  readonly #paths: LocalPaths;
  readonly #options: LocalRuntimeOptions;
  #seat: Promise<Seat> | undefined;
  #settled: Seat | undefined;

  constructor(paths: LocalPaths, options: LocalRuntimeOptions) {
    this.#paths = paths;
    this.#options = options;
  }

  get isGuest(): boolean {
    return this.#settled?.kind === 'guest';
  }

  get holder(): Holder | undefined {
    return this.#settled?.kind === 'holder' ? this.#settled.holder : undefined;
  }

  /**
   * Does it, or has the holder do it.
   * @throws Failure `local-state-locked` where another orch holds the databases and can't be worked through
   */
  async act(action: ControlAction, services: readonly Service[], signal?: AbortSignal): Promise<number> {
    const seat = await this.#take(signal);
    if (seat.kind === 'holder') return await seat.holder.actions[action](services);
    try {
      return await askHolder(seat.control, action, services, signal);
    } catch (error) {
      if (!(error instanceof HolderGone)) throw error;
      // It ended or was killed since: the place is free, or somebody else's.
      this.#forget();
      const next = await this.#take(signal);
      return next.kind === 'holder'
        ? await next.holder.actions[action](services)
        : await askHolder(next.control, action, services, signal);
    }
  }

  /** Databases that are served now, by this process or the one that it works through. */
  async databases(): Promise<readonly DatabaseState[]> {
    if (this.holder !== undefined) return this.holder.databases.states;
    const found = await loadState(this.#paths.state);
    return found.kind === 'state' ? found.state.databases : [];
  }

  /** Does something with the data while no other process can have it open. */
  async asHolder(work: (holder: Holder) => Promise<void>): Promise<void> {
    const seat = await this.#take();
    if (seat.kind === 'guest') throw new Failure('local-state-locked', await this.#lockedBy());
    await work(seat.holder);
  }

  /**
   * Has these services and their databases stopped, wherever they run; with `whole`, the holder ends altogether.
   * @returns names of the services and databases that ran
   */
  async empty(services: readonly Service[], whole: boolean): Promise<readonly string[]> {
    const seat = await this.#take();
    if (seat.kind === 'holder') {
      const running = runningNames(
        services,
        seat.holder.services.states.map(({ service }) => service),
        seat.holder.databases.states,
      );
      await seat.holder.closeDatabases(services);
      return [...new Set([...running, ...seat.holder.orphans])];
    }
    const found = await loadState(this.#paths.state);
    const { services: states, databases } = found.kind === 'state' ? found.state : { services: [], databases: [] };
    const running = runningNames(
      services,
      states.filter(({ exit }) => exit === undefined).map(({ service }) => service),
      databases,
    );
    await askHolder(seat.control, whole ? 'leave' : 'close-databases', services);
    if (whole) await this.#awaitDeparture();
    return running;
  }

  async ended(signal: AbortSignal): Promise<Ending> {
    const seat = await this.#take(signal);
    return seat.kind === 'holder' ? await seat.holder.ended(signal) : { kind: 'asked' };
  }

  async close(): Promise<void> {
    const seat = await this.#seat?.catch(() => undefined);
    this.#forget();
    if (seat?.kind === 'holder') await seat.holder.close();
  }

  #forget(): void {
    this.#seat = undefined;
    this.#settled = undefined;
  }

  #take(signal?: AbortSignal): Promise<Seat> {
    this.#seat ??= this.#find(signal).then(
      (seat) => {
        this.#settled = seat;
        return seat;
      },
      (error: unknown) => {
        this.#forget();
        throw error;
      },
    );
    return this.#seat;
  }

  async #find(signal: AbortSignal | undefined): Promise<Seat> {
    const { clock, pid, stays, project } = this.#options;
    const started = clock.now();
    for (;;) {
      const taken = await takeLock(this.#paths.locks, pid, stays);
      if ('release' in taken) return { kind: 'holder', holder: await this.#hold(taken) };
      const control = taken.stays ? await this.#findControl(taken) : undefined;
      if (control !== undefined) {
        this.#options.onSeat?.(taken.process.pid);
        return { kind: 'guest', control };
      }
      // A command's holder goes as soon as it is done, with its databases: nothing to work through.
      const limit = taken.stays ? introduction : project.policies.lockWait;
      if (clock.now() - started >= limit)
        throw new Failure('local-state-locked', { pid: taken.process.pid, folder: this.#paths.data });
      await clock.sleep(pause, signal ?? new AbortController().signal);
    }
  }

  async #hold(lock: { release(): Promise<void> }): Promise<Holder> {
    const { environment, pid, onServiceExited, onTrouble, onSeat } = this.#options;
    onSeat?.(undefined);
    try {
      return await Holder.start({
        paths: this.#paths,
        lock,
        process: (await findProcess(pid)) ?? { pid, started: undefined },
        environment,
        idleInTransaction: this.#options.idleInTransaction ?? idleInTransaction,
        onServiceExited: (service, exit) => onServiceExited?.(service, exit.exitCode, exit.signal),
        onTrouble: (message) => onTrouble?.(message),
      });
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Where the owner of the lock is asked; undefined: it has not written that yet, or it cannot be read. */
  async #findControl(owner: LockOwner): Promise<ControlAddress | undefined> {
    const found = await loadState(this.#paths.state);
    return found.kind === 'state' && found.state.holder.pid === owner.process.pid ? found.state.control : undefined;
  }

  async #awaitDeparture(): Promise<void> {
    const { clock } = this.#options;
    const started = clock.now();
    this.#forget();
    while ((await findOwner(this.#paths.locks)) !== undefined) {
      if (clock.now() - started > departure) throw new Failure('local-state-locked', await this.#lockedBy());
      await clock.sleep(pause, new AbortController().signal);
    }
  }

  async #lockedBy(): Promise<{ pid: number; folder: string }> {
    return { pid: (await findOwner(this.#paths.locks))?.process.pid ?? 0, folder: this.#paths.data };
  }
}

function runningNames(
  services: readonly Service[],
  processes: readonly string[],
  databases: readonly DatabaseState[],
): readonly string[] {
  const named = services.filter(({ name }) => processes.includes(name)).map(({ name }) => name);
  const open = services.filter(({ database }) => databases.some((state) => state.database === database));
  return [...named, ...open.map(({ database }) => database)];
}
