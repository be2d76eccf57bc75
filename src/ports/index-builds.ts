import type { Revision } from '../core/revision.ts';
import type { IndexBuild } from '../core/sql/index-build.ts';
import type { Session } from './database.ts';
import type { Writer } from './ledger.ts';

export interface FoundIndex {
  /** Without its schema, as the catalog has it; of a whole schema or database as `sql`. */
  readonly name: string;
  /** With its schema, as SQL takes it. */
  readonly sql: string;
  readonly valid: boolean;
  /** True: it is the one that the statement names. */
  readonly own: boolean;
  /** What it is, without its name; undefined: not asked for. */
  readonly definition: string | undefined;
}

/** The table of a concurrent index build, as it is now. */
export interface FoundTable {
  /** With its schema, as SQL takes it; else `schema …` or `database …`, with only what REINDEX has left INVALID there. */
  readonly table: string;
  readonly indexes: readonly FoundIndex[];
  /** With its schema, as SQL takes it: a relation of another table, or of another kind, that has the index's name. */
  readonly taken: string | undefined;
}

/** What was begun of one direction of a revision. */
export interface BegunBuild {
  readonly revision: Revision;
  readonly direction: 'up' | 'down';
  readonly build: IndexBuild;
  /** As `FoundTable` has it; undefined: there is no such table any more. */
  readonly table: string | undefined;
}

/** What orch knows of concurrent index builds: they are no transaction, so that a failed one leaves something (V14). */
export interface IndexBuilds {
  /** Looked for under the session's own search path; undefined: there is no such table or index. */
  find(session: Session, build: IndexBuild): Promise<FoundTable | undefined>;
  /** Records that the build begins, and the names of the indexes that were there before. */
  begin(session: Session, begun: BegunBuild, before: readonly string[], writer: Writer): Promise<void>;
  /**
   * The names of the indexes that were there before an earlier run began this very build; undefined: none did since the
   * revision was applied or reverted last.
   */
  findBegun(session: Session, begun: BegunBuild): Promise<readonly string[] | undefined>;
  /** Drops the index without keeping writers out. @param sql its name as SQL takes it */
  drop(session: Session, sql: string): Promise<void>;
}
