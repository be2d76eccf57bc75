import type { Service } from '../core/project.ts';
import type { RecordedAction } from '../core/recorded-code.ts';
import type { Revision } from '../core/revision.ts';
import type { IndexBuild } from '../core/sql/index-build.ts';
import type { BegunBuild } from './index-builds.ts';
import type { Announced, TransactionSettings, Writer } from './ledger.ts';

/** A row that the ledger must have for a script to begin. */
export interface ExpectedRow {
  readonly name: string;
  readonly checksum: string;
}

/** What stands around a statement that shares a transaction with its record, or behind one that does not. */
interface RecordSql {
  readonly begin: string;
  /** For within a transaction, the text's own too. */
  readonly record: string;
  readonly commit: string;
  /** A transaction of its own. */
  readonly alone: string;
}

/**
 * The statements of a run as text for psql: the same that go over a connection, with what a connection brings by itself
 * (settings, the lock, what is known of the database) written out. Every text ends with a line end.
 */
export interface OfflineSql {
  /** Writes as one script's run: the same text gives the same run. */
  writer(script: string, version: string): Writer;
  /** psql's own settings: stop at the first error, and so on. */
  opening(): string;
  connect(database: string): string;
  /** Settings of the session, and the role to work as. */
  session(service: Service): string;
  acquireLock(service: Service): string;
  releaseLock(service: Service): string;
  /** Raises where the applied revisions are others than these, or statements of one are done that is not applied. */
  expectRevisions(service: Service, rows: readonly ExpectedRow[]): string;
  createRole(role: string): string;
  createDatabase(service: Service): string;
  createExtension(service: Service, extension: string): string;
  grantAccess(service: Service, role: string): string;
  createLedger(writer: Writer): string;
  begin(revision: Revision, writer: Writer, settings: TransactionSettings): string;
  commit(service: Service, revision: Revision, writer: Writer): string;
  /** For the statements that follow outside a transaction, in ms; 0: none. */
  lockTimeout(duration: number): string;
  /** Records what is there before a concurrent index build. */
  beginBuild(begun: Omit<BegunBuild, 'table'>, writer: Writer): string;
  /** Raises unless the index that the statement before was to build is there and valid. */
  requireIndex(build: IndexBuild): string;
  start(revision: Revision, writer: Writer, settings: TransactionSettings): string;
  /** How the ledger comes to have a statement outside a transaction as done. */
  recorded(service: Service, revision: Revision, statementsDone: number): RecordSql;
  /** Records that a statement begins, which can neither share a transaction nor be run twice. */
  announce(service: Service, announced: Announced, writer: Writer): string;
  finish(service: Service, revision: Revision, writer: Writer): string;
  beginRevert(revision: Revision, settings: TransactionSettings): string;
  commitRevert(service: Service, revision: Revision, writer: Writer): string;
  startRevert(revision: Revision, settings: TransactionSettings): string;
  finishRevert(service: Service, revision: Revision, writer: Writer): string;
  /** What a TypeScript revision does. @param own the direction whose batches are transactions of their own; undefined: they are not */
  action(action: RecordedAction, revision: Revision, own: 'up' | 'down' | undefined): string;
  /**
   * What stands before and after a revision's own text. psql finds the end of a quote by settings that the text itself can
   * change (`standard_conforming_strings`, `client_encoding`), and would run a `\!` that it takes to be outside of one;
   * in between it takes no command but the one with the key, which no text can hold: it is made of the text's hash.
   * Known to psql 13.22, 14.19, 15.14, 16.10, 17.6 and later, as what pg_dump writes (CVE-2025-8714).
   */
  restrict(writer: Writer): { readonly before: string; readonly after: string };
  /** Ends the script where it comes to that. */
  stop(message: string, hint: string): string;
  /** What stands before and after a text that is run only where the ledger has the revision, or does not have it. */
  onlyIf(revision: Revision, state: 'applied' | 'pending'): { readonly before: string; readonly after: string };
}
