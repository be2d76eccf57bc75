import { Failure } from '../../core/failure.ts';
import type { LockHolder } from '../../core/observed.ts';
import type { Service } from '../../core/project.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Session } from '../../ports/database.ts';
import type { Lock } from '../../ports/lock.ts';
import { findHolder, lockKey, pollLock, unlock } from './polled-lock.ts';

/**
 * A session-level advisory lock, one per database: it ends with its session, so no killed process leaves it behind.
 * For servers with a session per connection only: on PGlite all connections share one session, which is granted
 * its own lock again and again, so that the lock keeps nobody out there.
 */
export class AdvisoryLock implements Lock {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async acquire(session: Session, service: Service, options: Parameters<Lock['acquire']>[2]): Promise<void> {
    const polling = { ...options, firstPause: 50, longestPause: 500 };
    const refused = await pollLock(session, databaseKey(service), this.#clock, polling);
    if (refused === undefined) return;
    throw new Failure('lock-held', { service: service.name, database: service.database, ...refused });
  }

  async findHolder(session: Session, service: Service): Promise<LockHolder | undefined> {
    return await findHolder(session, databaseKey(service), service.database);
  }

  /** @throws Failure `lock-lost` where the session no longer held the lock */
  async release(session: Session, service: Service): Promise<void> {
    if (await unlock(session, databaseKey(service))) return;
    throw new Failure('lock-lost', { service: service.name, database: service.database });
  }
}

/** The server keeps advisory locks apart by database (V1); the name is in the key all the same, for poolers that do not. */
export function databaseKey(service: Service): string {
  return lockKey(service.database, 'orch');
}
