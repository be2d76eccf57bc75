import { join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import type { LockHolder } from '../../core/observed.ts';
import type { Service } from '../../core/project.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Lock } from '../../ports/lock.ts';
import { type HeldLock, type LockOwner, takeLock } from './holder-lock.ts';
import type { LocalPaths } from './paths.ts';

/** Pause between tries, in ms. */
const PAUSE = 100;
/** An unchanged holder is named again after so many ms. */
const RETELL = 1_000;

/**
 * One writer at a time for a PGlite, held by a file: all connections share PGlite's one session, which is granted its own
 * advisory locks again and again. A lock whose process is dead counts for nothing.
 */
export class DatabaseFileLock implements Lock {
  readonly #paths: LocalPaths;
  readonly #clock: Clock;
  readonly #pid: number;
  readonly #held = new Map<string, HeldLock>();

  constructor(paths: LocalPaths, clock: Clock, pid: number) {
    this.#paths = paths;
    this.#clock = clock;
    this.#pid = pid;
  }

  async acquire(_session: unknown, service: Service, options: Parameters<Lock['acquire']>[2]): Promise<void> {
    const folder = join(this.#paths.data, '.writers', encodeURIComponent(service.database));
    const began = this.#clock.now();
    let told = -RETELL;
    for (;;) {
      const taken = await takeLock(folder, this.#pid, false);
      if ('release' in taken) {
        this.#held.set(service.database, taken);
        return;
      }
      const waited = this.#clock.now() - began;
      const holder = holderOf(taken);
      if (waited >= options.wait) {
        throw new Failure('lock-held', { service: service.name, database: service.database, holder, waited });
      }
      if (waited - told >= RETELL) {
        told = waited;
        options.onWait(holder, waited);
      }
      await this.#clock.sleep(Math.min(PAUSE, options.wait - waited), options.signal);
    }
  }

  async release(_session: unknown, service: Service): Promise<void> {
    const held = this.#held.get(service.database);
    this.#held.delete(service.database);
    await held?.release();
  }
}

function holderOf({ process }: LockOwner): LockHolder {
  return { pid: process.pid, application: 'orch', client: 'local', role: 'postgres', since: process.started ?? '' };
}
