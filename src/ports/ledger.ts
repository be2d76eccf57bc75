import type { ObservedDatabase } from '../core/observed.ts';
import type { Service } from '../core/project.ts';
import type { Revision } from '../core/revision.ts';
import type { Session } from './database.ts';

/** Who is writing: recorded with every row. */
export interface Writer {
  /** A UUID. */
  readonly run: string;
  readonly host: string;
  readonly version: string;
}

export interface LogEntry {
  readonly action: 'apply' | 'revert' | 'stamp' | 'create-ledger' | 'accept';
  readonly outcome: 'succeeded' | 'failed' | 'started';
  readonly revision: string | undefined;
  /** ms */
  readonly duration: number;
  readonly sqlstate: string | undefined;
  readonly message: string | undefined;
}

/** In ms; 0: none. */
export interface TransactionSettings {
  readonly lockTimeout: number;
  readonly statementTimeout: number;
}

/** The table of applied revisions, in schema `orch` of the service's own database. */
export interface Ledger {
  /** One round trip where the ledger exists: ledger, extensions, roles, owner. Works where there is no ledger. */
  observe(session: Session, service: Service): Promise<ObservedDatabase>;
  /** Idempotent. */
  create(session: Session, service: Service, writer: Writer): Promise<void>;
  /**
   * One round trip: begins the revision's transaction, sets its timeouts and search path locally,
   * and inserts the ledger row first, as a fence (V7): a second runner collides here (23505).
   */
  begin(session: Session, revision: Revision, writer: Writer, settings: TransactionSettings): Promise<void>;
  /**
   * One round trip: checks that the transaction, the role and the session are still those of `begin` (V10–V12),
   * marks the row applied with its duration (ms), writes the log entry and commits.
   * @returns false: the server answered ROLLBACK, nothing was kept
   * @throws DatabaseError with `connection` true: the outcome is not known
   */
  commit(session: Session, revision: Revision, writer: Writer, duration: number): Promise<boolean>;
  /**
   * For a revision outside a transaction: sets the timeouts for the session and commits a row in state `started` before
   * its first statement; an existing one keeps its progress, and gets the text of now.
   */
  start(session: Session, revision: Revision, writer: Writer, settings: TransactionSettings): Promise<void>;
  /** Records how many statements of it are done. */
  progress(session: Session, revision: Revision, statementsDone: number): Promise<void>;
  /** Takes the timeouts of `start` back, marks it applied and writes the log entry. */
  finish(session: Session, revision: Revision, writer: Writer, duration: number): Promise<void>;
  log(session: Session, entry: LogEntry, writer: Writer): Promise<void>;
  /** Undoes what a revision left in the session: role, settings, temporary tables, prepared statements. Not on PGlite's shared session. */
  reset(session: Session): Promise<void>;
  /** True: the row stands there as applied. */
  isApplied(session: Session, revision: Revision): Promise<boolean>;
}
