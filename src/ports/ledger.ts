import type { ObservedDatabase, RecordedTexts } from '../core/observed.ts';
import type { Link } from '../core/plan.ts';
import type { Service } from '../core/project.ts';
import type { Revision } from '../core/revision.ts';
import type { ScriptPart } from '../core/sql/script-parts.ts';
import type { DatabaseError, Notice, Session } from './database.ts';

/** Who is writing: recorded with every row. */
export interface Writer {
  /** A UUID. */
  readonly run: string;
  readonly host: string;
  readonly version: string;
  /** Takes secrets out of what others say, such as the server's messages, before it is recorded; absent: it stays as it is. */
  readonly clean?: (text: string) => string;
}

export interface LogEntry {
  readonly action: 'apply' | 'revert' | 'stamp' | 'unstamp' | 'create-ledger' | 'accept' | 'relink' | 'notice';
  readonly outcome: 'succeeded' | 'failed' | 'started' | 'announced' | 'withdrawn' | 'said';
  readonly revision: string | undefined;
  /** ms */
  readonly duration: number;
  readonly sqlstate: string | undefined;
  readonly message: string | undefined;
}

/** SQLSTATE of whatever begins something where another transaction of orch is open in the database. */
export const TRANSACTION_LOCK_BUSY = 'OR002';

/** In ms; 0: none. */
export interface TransactionSettings {
  readonly lockTimeout: number;
  readonly statementTimeout: number;
}

/**
 * What became of a statement and its record. Nothing of it is kept where it is
 * - `refused`: PostgreSQL runs it only outside of any transaction, and alone;
 * - `read-only`: its session takes no writes, and so nothing of it could be kept anyhow;
 * - `overtaken`: another run has recorded the same statement meanwhile.
 */
export type Recorded = 'recorded' | 'refused' | 'read-only' | 'overtaken';

/** A statement of one direction of a revision. */
export interface Announced {
  readonly revision: Revision;
  readonly direction: 'up' | 'down';
  /** From 1 on. */
  readonly statement: number;
}

/** A walk over batches of one direction of a revision. */
export interface CursorName {
  readonly direction: 'up' | 'down';
  readonly name: string;
}

export interface CursorPosition {
  /** The last key that is done, as text; undefined: none is. */
  readonly key: string | undefined;
  readonly rows: number;
  readonly finished: boolean;
}

export interface StampChange {
  readonly add: readonly Revision[];
  /** Names of revisions. */
  readonly remove: readonly string[];
  readonly reason: string | undefined;
}

export interface AcceptChange {
  readonly name: string;
  readonly revision: Revision | undefined;
  readonly reason: string;
}

/** The table of applied revisions, in schema `orch` of the service's own database. */
export interface Ledger {
  /** One round trip where the ledger exists: ledger, extensions, roles, owner. Works where there is no ledger. */
  observe(session: Session, service: Service): Promise<ObservedDatabase>;
  /** Idempotent. */
  create(session: Session, service: Service, writer: Writer): Promise<void>;
  /**
   * One round trip: begins the revision's transaction, sets its timeouts locally, inserts the ledger row first, as a
   * fence (V7): a second runner collides here (23505). Then runs `text`, in the very same message: the server reads no
   * further where any of that fails, so that nothing of the text can run outside the transaction.
   * @returns the text's error, with position and count as if it had been sent alone; undefined: all went well
   * @throws DatabaseError of the ledger's own statements
   */
  begin(
    session: Session,
    revision: Revision,
    writer: Writer,
    settings: TransactionSettings,
    text?: string,
  ): Promise<DatabaseError | undefined>;
  /**
   * One round trip: checks that the transaction, the role and the session are still those of `begin` (V10–V12),
   * marks the row applied with its duration (ms), writes the log entry and commits.
   * @returns false: the server answered ROLLBACK, nothing was kept
   * @throws DatabaseError with `connection` true: the outcome is not known
   */
  commit(
    session: Session,
    revision: Revision,
    writer: Writer,
    duration: number,
    notices?: readonly Notice[],
  ): Promise<boolean>;
  /**
   * For a revision outside a transaction: commits a row in state `started` before its first statement; an
   * existing one keeps its progress, and gets the text of now.
   */
  start(session: Session, revision: Revision, writer: Writer): Promise<void>;
  /** Records how many statements of it are done. */
  progress(session: Session, revision: Revision, statementsDone: number): Promise<void>;
  /**
   * Runs a statement of a text outside a transaction, and records in the transaction of that very statement how many are
   * done with it: both are kept, or neither is. Where the text has begun a transaction, the statement is its COMMIT.
   * @throws DatabaseError of the statement, with nothing of it kept
   */
  runRecorded(
    session: Session,
    statement: Pick<ScriptPart, 'text' | 'rows'>,
    revision: Revision,
    statementsDone: number,
  ): Promise<Recorded>;
  /** Records that a statement (from 1 on) begins, which can neither be run with its record nor be run twice. */
  announce(session: Session, statement: Announced, writer: Writer): Promise<void>;
  /** Takes that back: it has failed. */
  withdraw(session: Session, statement: Announced, writer: Writer): Promise<void>;
  /** Marks it applied and writes the log entry. */
  finish(
    session: Session,
    revision: Revision,
    writer: Writer,
    duration: number,
    notices?: readonly Notice[],
  ): Promise<void>;
  /**
   * One round trip: begins the transaction of a down text, sets its timeouts and search path locally, and takes the
   * row out first, as a fence: a second runner waits here and then finds no row.
   * @throws DatabaseError 02000: there is no such row any more
   */
  beginRevert(session: Session, revision: Revision, writer: Writer, settings: TransactionSettings): Promise<void>;
  /** As `commit`, for a revert. */
  commitRevert(
    session: Session,
    revision: Revision,
    writer: Writer,
    duration: number,
    notices?: readonly Notice[],
  ): Promise<boolean>;
  /** For a down text outside a transaction: commits the row's state `reverting` before its first statement; keeps an existing one. */
  startRevert(session: Session, revision: Revision): Promise<void>;
  /** Takes the row out and writes the log entry. */
  finishRevert(
    session: Session,
    revision: Revision,
    writer: Writer,
    duration: number,
    notices?: readonly Notice[],
  ): Promise<void>;
  /** Moves the ledger without running anything, in one transaction; every row and the reason go to the log. */
  stamp(session: Session, change: StampChange, writer: Writer): Promise<void>;
  /** Takes over what the file says now, or, where `revision` is undefined, that the file is gone. */
  accept(session: Session, change: AcceptChange, writer: Writer): Promise<void>;
  /** Records new parents of applied revisions, and which of them came in late. */
  relink(session: Session, links: readonly Link[], writer: Writer): Promise<void>;
  /** The kept texts of these revisions (not seeds), by name; what the ledger does not have is left out. */
  recorded(session: Session, names: readonly string[]): Promise<ReadonlyMap<string, RecordedTexts>>;
  /** Writes an entry, and behind it what the server said meanwhile. */
  log(session: Session, entry: LogEntry, writer: Writer, notices?: readonly Notice[]): Promise<void>;
  /** Where a walk over batches stands, also from earlier runs of the revision; its row of the ledger must be there. */
  openCursor(session: Session, revision: Revision, cursor: CursorName): Promise<CursorPosition>;
  /** Begins a batch's transaction and locks the cursor, so that a backend that still commits one is waited for. */
  beginBatch(
    session: Session,
    revision: Revision,
    cursor: CursorName,
    settings: TransactionSettings,
  ): Promise<CursorPosition>;
  /** Moves the cursor and commits. @throws DatabaseError 25P02 where the server answered ROLLBACK */
  commitBatch(session: Session, revision: Revision, cursor: CursorName, at: CursorPosition): Promise<void>;
  /** Undoes what a revision left in the session: role, settings, temporary tables, prepared statements. Not on PGlite's shared session. */
  reset(session: Session): Promise<void>;
  /** The full id of the transaction that was begun last in this session; undefined: it is not known. */
  transactionOf(session: Session): string | undefined;
  /** What the server knows of a transaction; undefined: nothing any more. */
  statusOf(session: Session, transaction: string): Promise<'committed' | 'aborted' | 'in progress' | undefined>;
  /** True: the row stands there as applied. */
  isApplied(session: Session, revision: Revision): Promise<boolean>;
}
