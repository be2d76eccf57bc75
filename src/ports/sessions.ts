import type { DatabaseSession } from '../core/observed.ts';
import type { Service } from '../core/project.ts';
import type { Session } from './database.ts';

/** The sessions of a real server's database, and how one is ended. */
export interface Sessions {
  /** All in the session's own database, but itself. @param service whose locks are meant; undefined: only the preparation's */
  list(session: Session, service: Service | undefined): Promise<readonly DatabaseSession[]>;
  /**
   * Asks the server to cancel the statement of that session, or to end it.
   * @returns false: the session is not there any more
   * @throws DatabaseError 42501 where the role may not
   */
  end(session: Session, found: DatabaseSession, action: EndAction): Promise<boolean>;
}

/** `cancel`: the statement that runs; the session stays, and with it its locks. `terminate`: the session, and all of it. */
export type EndAction = 'cancel' | 'terminate';
