import type { Blocker, LockHolder } from '../core/observed.ts';
import type { Session } from './database.ts';

/** Who is in the way. Asked in a session that does not wait itself. */
export interface Blockers {
  /** The sessions that the backend `pid` waits for now; empty: it does not wait. */
  of(session: Session, pid: number): Promise<readonly Blocker[]>;
  /** The same sessions with what this session's role may see of them; those that are gone stay as they are. */
  describe(session: Session, blockers: readonly Blocker[]): Promise<readonly Blocker[]>;
  /** Who holds the lock that each transaction of a revision takes; undefined: nobody now. */
  holder(session: Session): Promise<LockHolder | undefined>;
}
