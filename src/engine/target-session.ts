import { Failure } from '../core/failure.ts';
import type { Service } from '../core/project.ts';
import { DatabaseError, type Location, type Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';

/** How long the end of one session may come before that of the other, where they end together, in ms. */
const SETTLING = 50;
/** What the session that cancels may take to open, in ms: the process waits for it. */
const CANCEL_DEADLINE = 3_000;

/** `read-only`: the server itself refuses every write of these sessions (25006). */
export type Access = 'read-write' | 'read-only';

/**
 * The sessions of one run to one database: the keeper, which observes and then holds the lock,
 * and the worker, which runs the revisions. They are two, because a revision may end its session's locks (V10).
 */
export class TargetSession {
  readonly service: Service;
  readonly location: Location;
  readonly #run: Run;
  #keeper: Promise<Session> | undefined;
  #worker: Promise<Session> | undefined;
  #resetting: Promise<void> | undefined;
  #lost = new AbortController();
  #locked = false;
  /** It has observed, and nobody has asked for the keeper since. */
  #resting = false;
  readonly #access: Access;

  constructor(run: Run, service: Service, access: Access = 'read-write') {
    this.#run = run;
    this.#access = access;
    this.service = service;
    this.location = run.ports.targets.owner(service);
  }

  /** Aborted with the DatabaseError when the server or the network ends the lock's session. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get locked(): boolean {
    return this.#locked;
  }

  /** The session that observes and locks. @throws DatabaseError */
  async keeper(): Promise<Session> {
    this.#resting = false;
    this.#keeper ??= this.#open('lock', (error) => this.#lost.abort(error));
    return this.#keeper;
  }

  /** The keeper has observed, and is not needed before the lock is taken. */
  rest(): void {
    this.#resting = true;
  }

  /** Ends the keeper where it rests. */
  async closeResting(): Promise<void> {
    if (this.#resting && !this.#locked) await this.close();
  }

  /** @throws Failure `lock-lost` where the session with the lock is gone: nothing may be begun or committed any more */
  requireLock(): void {
    if (!this.lost.aborted) return;
    const { name, database } = this.service;
    throw new Failure('lock-lost', { service: name, database, ...this.lossReason }, { cause: this.lost.reason });
  }

  /** What ended the lock's session, in the words of whoever ended it. */
  get lossReason(): { readonly reason?: string } {
    const { reason } = this.lost;
    return reason instanceof Error ? { reason: reason.message } : {};
  }

  /**
   * The session that runs revisions, without anything that an earlier one left in it; another one where the last was
   * lost. @throws DatabaseError
   */
  async worker(): Promise<Session> {
    const resetting = this.#resetting;
    this.#resetting = undefined;
    await resetting?.catch((error: unknown) => {
      // What it did is committed; only the session is gone.
      if (!(error instanceof DatabaseError && error.connection)) throw error;
      this.#worker = undefined;
    });
    this.#worker ??= this.#openWorker();
    return this.#worker;
  }

  /** Two sessions that are open at once have two backends, except behind a pooler. @throws Failure `pooler-refused` */
  async #openWorker(): Promise<Session> {
    const worker = await this.#open('worker', () => {
      this.#worker = undefined;
    });
    const keeper = await this.#keeper;
    if (worker.shared === true || keeper === undefined || worker.pid === 0 || keeper.pid !== worker.pid) return worker;
    await worker.close();
    const { host, port, database } = this.location;
    const reason = `two sessions that are open at once have one backend, ${worker.pid}`;
    throw new Failure('pooler-refused', { host, port, database, sign: 'shared-backend', reason });
  }

  /**
   * Undoes what a revision left in the worker's session; the next `worker` waits for it, so that the server does it while
   * orch does other things. PGlite's one session cannot be reset without the other connections: the settings of a
   * connection of its own go with it. Behind a pooler a reset would take orch's own settings too.
   */
  resetWorker(): void {
    this.#resetting = this.#canReset ? this.#resetNow() : this.#dropWorker();
    // Whoever asks for the worker next hears of it.
    this.#resetting.catch(() => undefined);
  }

  /** As `resetWorker`, without waiting for what was sent last: in the same packet where the server can reset a session. */
  resetWorkerBehind(sent: Promise<unknown>): void {
    if (this.#canReset) {
      this.resetWorker();
      return;
    }
    this.#resetting = sent.then(() => this.#dropWorker());
    this.#resetting.catch(() => undefined);
  }

  get #canReset(): boolean {
    return this.location.sessions === 'many' && this.location.pooler !== true;
  }

  async #resetNow(): Promise<void> {
    const worker = await this.#worker;
    if (worker !== undefined) await this.#run.ports.ledger.reset(worker);
  }

  async #dropWorker(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker !== undefined) await closeQuietly(worker);
  }

  async #open(purpose: string, onLost: (error: DatabaseError) => void): Promise<Session> {
    const session = await this.#run.ports.database.connect(this.location, purpose, this.#run.signal);
    session.onLost(onLost);
    // PGlite's one session is shared with the services: a setting made here would be theirs too.
    if (this.#access === 'read-only' && this.location.sessions === 'many') {
      await session.run('SET default_transaction_read_only = on');
    }
    return session;
  }

  markLocked(): void {
    this.#locked = true;
  }

  /** Asks the server to cancel what the worker runs; the worker's query then fails with 57014. PGlite cannot be asked. */
  async cancelWorker(): Promise<void> {
    if (this.#worker === undefined || this.location.sessions === 'one') return;
    // Asked once: `close`, which the failure of the cancelled statement leads to, begins anew with a lock that is not lost.
    const isLost = this.lost.aborted;
    const [worker, keeper] = [await this.#worker, this.#keeper];
    if (worker === undefined || (keeper === undefined && !isLost)) return;
    // A server that is gone ends both sessions, one after the other: then there is nobody to ask, and nothing to cancel.
    if (isLost) await this.#run.ports.clock.sleep(SETTLING, new AbortController().signal);
    if (this.#worker === undefined) return;
    const signal = AbortSignal.timeout(CANCEL_DEADLINE);
    const session = isLost ? await this.#run.ports.database.connect(this.location, 'cancel', signal) : await keeper;
    try {
      await session?.query('SELECT pg_catalog.pg_cancel_backend($1)', [worker.pid]);
    } finally {
      if (isLost) await session?.close();
    }
  }

  /** Ends both sessions and with them the lock; a later call opens new ones. */
  async close(): Promise<void> {
    const sessions = [this.#worker, this.#keeper].filter((session) => session !== undefined);
    this.#worker = undefined;
    this.#keeper = undefined;
    this.#resetting = undefined;
    const wasLocked = this.#locked;
    this.#locked = false;
    for (const opening of sessions.slice(0, -1)) await closeQuietly(opening);
    const keeper = sessions.at(-1);
    if (keeper === undefined) return;
    if (wasLocked) await this.#unlock(keeper);
    await closeQuietly(keeper);
    this.#lost = new AbortController();
  }

  async #unlock(keeper: Promise<Session>): Promise<void> {
    try {
      await this.#run.ports.lock(this.location).release(await keeper, this.service);
    } catch (error) {
      // A session that is gone has released its advisory lock by going.
      if (!(error instanceof DatabaseError && error.connection)) throw error;
    }
  }
}

async function closeQuietly(opening: Promise<Session>): Promise<void> {
  // A session that could not be opened was reported where it was opened; there is nothing to close.
  const session = await opening.catch(() => undefined);
  await session?.close();
}
