import { Failure } from '../../core/failure.ts';
import type { LockHolder } from '../../core/observed.ts';
import type { Service } from '../../core/project.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Database, Location, Session } from '../../ports/database.ts';
import { lockKey, pollLock, unlock } from './polled-lock.ts';
import { requireOwnBackend, STANDING, type Standing, standingOf } from './standing.ts';

export interface ClusterLockOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** In ms. */
  readonly wait: number;
  /** Hears of a wait for another orch, in ms so far: `database` is where the lock is. */
  readonly onWait?: (service: Service, database: string, holder: LockHolder | undefined, waited: number) => void;
}

/** What is done under the lock, and how to see without it that nothing is to be done. */
export interface Preparation<Result> {
  /** Undefined: to be done. Of 50 cold starts 49 find what they planned, and need not queue for it. */
  find(session: Session): Promise<Result | undefined>;
  make(session: Session): Promise<Result>;
}

/**
 * One orch at a time prepares a database, or a whole server where the database is the maintenance database:
 * "idempotent" DDL fails for concurrent callers (V9: CREATE ROLE 44 of 200, CREATE DATABASE 4 of 80).
 */
export class ClusterLock {
  readonly #options: ClusterLockOptions;
  /** By database: the end of the last work of this process there, so that its own callers need not poll. */
  readonly #tails = new Map<string, Promise<unknown>>();

  constructor(options: ClusterLockOptions) {
    this.#options = options;
  }

  /**
   * Does the work in a session of its own that holds the lock.
   * @throws Failure `lock-held` where another orch kept it for longer than `wait`
   */
  async hold<Result>(
    location: Location,
    service: Service,
    work: ((session: Session) => Promise<Result>) | Preparation<Result>,
  ): Promise<Result> {
    const place = `${location.host}:${location.port}/${location.database}`;
    const result = (this.#tails.get(place) ?? Promise.resolve()).then(() =>
      this.#inSession(location, async (session) => {
        if (typeof work === 'function') return await this.#holdNow(session, location, service, work);
        const found = await work.find(session);
        return found ?? (await this.#holdNow(session, location, service, work.make));
      }),
    );
    this.#tails.set(
      place,
      result.catch(() => undefined),
    );
    return await result;
  }

  async #inSession<Result>(location: Location, work: (session: Session) => Promise<Result>): Promise<Result> {
    const session = await this.#options.database.connect(location, 'admin', this.#options.signal);
    try {
      return await work(session);
    } finally {
      // Where the work failed, the lock goes with the session.
      await session.close();
    }
  }

  async #holdNow<Result>(
    session: Session,
    location: Location,
    service: Service,
    work: (session: Session) => Promise<Result>,
  ): Promise<Result> {
    const { clock, signal, wait, onWait } = this.#options;
    const tell = (holder: LockHolder | undefined, waited: number): void =>
      onWait?.(service, location.database, holder, waited);
    const refused = await pollLock(session, PREPARATION_KEY, clock, {
      ...{ wait, firstPause: 20, longestPause: 200 },
      ...{ signal, onWait: tell },
    });
    if (refused !== undefined) {
      throw new Failure('lock-held', { service: service.name, database: location.database, ...refused });
    }
    await requirePrimary(session, location, service);
    const result = await work(session);
    await unlock(session, PREPARATION_KEY);
    return result;
  }
}

/** @throws Failure `pooler-refused`, `server-not-writable` */
async function requirePrimary(session: Session, location: Location, service: Service): Promise<void> {
  const { rows } = await session.query<Standing>(`SELECT ${STANDING}`);
  const { host, port, database } = location;
  if (rows[0] === undefined) return;
  requireOwnBackend(session, { server: location, database }, rows[0]);
  const { takesNoChanges: why } = standingOf(rows[0]);
  if (why === undefined) return;
  const about = { service: service.name, database: service.database, host, port };
  throw new Failure('server-not-writable', { ...about, why, during: 'preparing it' });
}

/** In the maintenance database: of the whole server. */
export const PREPARATION_KEY = lockKey('prepare');
