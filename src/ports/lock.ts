import type { LockHolder } from '../core/observed.ts';
import type { Service } from '../core/project.ts';
import type { Session } from './database.ts';

/** One writer at a time, per database, held by a session of its own. */
export interface Lock {
  /**
   * Polls until the lock is granted; never waits inside a statement (V1, V15).
   * @param options.wait in ms; 0: one try
   * @throws Failure `lock-held`
   */
  acquire(
    session: Session,
    service: Service,
    options: {
      readonly wait: number;
      readonly signal: AbortSignal;
      readonly onWait: (holder: LockHolder | undefined, waited: number) => void;
    },
  ): Promise<void>;
  /** Who has the service's lock, asked from any database of its server; absent: that cannot be told from another one. */
  findHolder?(session: Session, service: Service): Promise<LockHolder | undefined>;
  release(session: Session, service: Service): Promise<void>;
}
