import type { Environment } from '../core/project.ts';
import type { SqlFragment } from '../core/sql/fragment.ts';

export interface HandleResult<Row = Record<string, unknown>> {
  readonly rows: readonly Row[];
  readonly rowCount: number;
}

/** What of the service's config a revision may know: no secrets. */
export interface RevisionConfig {
  readonly service: string;
  readonly database: string;
  /** The role that owns the database; the revision runs as it. */
  readonly owner: string;
  /** Application roles, such as for GRANT. */
  readonly roles: readonly string[];
  readonly environment: Environment;
  /** Values of the variables that the file's `// orch: variables` line names. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Lines under the revision with `--verbose`; kept in the ledger's log. */
export interface RevisionLog {
  info(message: string): void;
  /** Shown without `--verbose` too. */
  warn(message: string): void;
}

/** Which rows are worked on, along which column. */
export interface BatchSource {
  /** A table, or one with its schema: `app.users`. Either this or `query`. */
  readonly table?: string;
  /** A SELECT whose rows are worked on. */
  readonly query?: SqlFragment;
  /** The column whose order is followed: indexed, never NULL, best unique (rows of one value are never parted). */
  readonly key: string;
  /** With `table`: only these rows, such as sql`full_name IS NULL`. */
  readonly where?: SqlFragment;
  /** Columns that `rows` shall have; absent: the key alone of a table, all of a query. */
  readonly columns?: readonly string[];
  /** Rows a batch; absent: 1000. */
  readonly size?: number;
  /** Names the cursor; absent: its number among the `batches` of the revision. */
  readonly name?: string;
  /** False: the rows are not counted first, so that progress has no total. */
  readonly count?: boolean;
}

export interface Batch<Row = Record<string, unknown>> {
  /** The keys in order, as PostgreSQL writes them, so that none loses digits: `WHERE id = ANY (${keys})`. */
  readonly keys: readonly string[];
  readonly first: string;
  readonly last: string;
  readonly rows: readonly Row[];
}

/**
 * What `up` and `down` of a TypeScript revision get. Everything runs in one session, in the revision's one transaction;
 * with `// orch: transaction none` each query commits by itself, and each batch of `batches` as a whole.
 * Its functions may be taken out: `up({ query, sql })`.
 */
export interface RevisionHandle {
  /** One statement: text with `$1` and parameters, or sql`…`. */
  query<Row = Record<string, unknown>>(
    statement: string | SqlFragment,
    parameters?: readonly unknown[],
  ): Promise<HandleResult<Row>>;
  /** sql`SELECT … WHERE id = ${id}`: values become parameters, never text. Not sent by itself: give it to `query`. */
  sql(strings: TemplateStringsArray, ...values: readonly unknown[]): SqlFragment;
  /** A name in double quotes, for sql`…`: `identifier('app', 'users')`. */
  identifier(...parts: readonly string[]): SqlFragment;
  /**
   * Works through rows in batches along a key. With `transaction none` each batch is a transaction of its own, in which
   * the cursor moves on too: whatever ends the run, the next one goes on exactly behind the last batch that was committed.
   * What stands before and after `batches` is run again then. Without the directive all is the revision's transaction.
   * @returns how many rows there were, also those of earlier runs
   */
  batches<Row = Record<string, unknown>>(
    source: BatchSource,
    work: (batch: Batch<Row>) => Promise<unknown>,
  ): Promise<{ readonly rows: number }>;
  /** Shown as progress under the revision. `total` undefined: not known. */
  progress(done: number, total?: number): void;
  readonly config: RevisionConfig;
  readonly log: RevisionLog;
}
