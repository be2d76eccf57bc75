import type { Loss } from '../../core/observed.ts';
import type { Service } from '../../core/project.ts';
import { DatabaseError, type Session } from '../../ports/database.ts';
import { HOLDER_COLUMNS, holderOf, type HolderRow } from './lock-holder.ts';
import { quoteIdentifier } from './quoting.ts';

/** Tables up to this size are counted, in bytes; for larger ones the planner's estimate serves. */
const COUNTED = 16 * 1024 * 1024;

interface TableRow {
  readonly schema: string;
  readonly name: string;
  readonly estimate: number;
  readonly small: boolean;
}

/**
 * What dropping the database that the session is in would lose. Sessions of the run itself are left out.
 * @param run the run's id, as it stands in `application_name`
 */
export async function findLoss(session: Session, service: Service, run: string): Promise<Loss> {
  const { rows: sizes } = await session.query<{ size: string }>(
    'SELECT pg_catalog.pg_database_size(pg_catalog.current_database()) AS size',
  );
  const { rows: sessions } = await session.query<HolderRow>(SESSIONS, [run]);
  return {
    database: service.database,
    tables: await findTables(session),
    size: Number(sizes[0]?.size ?? 0),
    sessions: sessions.map(holderOf),
  };
}

const SESSIONS = `
  SELECT ${HOLDER_COLUMNS} FROM pg_catalog.pg_stat_activity AS a
  WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
    AND a.backend_type = 'client backend' AND NOT a.application_name LIKE 'orch %' || $1::pg_catalog.text
  ORDER BY a.backend_start`;

/** Waits a second at most for tables that another session has locked: the planner's estimates serve then. */
async function findTables(session: Session): Promise<Loss['tables']> {
  try {
    // The size of a table cannot be asked without a lock on it either.
    const tables = await readBriefly<TableRow>(session, tablesSql(`pg_catalog.pg_relation_size(c.oid) <= ${COUNTED}`));
    return toLoss(
      tables,
      await countSmall(
        session,
        tables.filter((table) => table.small),
      ),
    );
  } catch (error) {
    if (!(error instanceof DatabaseError) || !UNCOUNTABLE.has(error.sqlstate)) throw error;
    return toLoss((await session.query<TableRow>(tablesSql('false'))).rows, new Map());
  }
}

/** Locked for too long; too much to count; dropped meanwhile; not ours to read. */
const UNCOUNTABLE: ReadonlySet<string> = new Set(['55P03', '57014', '42P01', '42501']);

/** A partitioned table has no rows of its own; its partitions are tables like others. `reltuples` -1: never looked at. */
function tablesSql(small: string): string {
  return `SELECT n.nspname AS schema, c.relname AS name, GREATEST(c.reltuples, 0)::pg_catalog.float8 AS estimate, ${small} AS small
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'orch')
    AND n.nspname NOT LIKE 'pg\\_toast%'
  ORDER BY n.nspname, c.relname`;
}

async function countSmall(session: Session, tables: readonly TableRow[]): Promise<ReadonlyMap<string, number>> {
  if (tables.length === 0) return new Map();
  const counts = tables.map((table) => `(SELECT pg_catalog.count(*) FROM ONLY ${qualified(table)})`);
  const [found] = await readBriefly<{ counts: readonly string[] }>(
    session,
    `SELECT ARRAY[${counts.join(', ')}]::pg_catalog.text[] AS counts`,
  );
  return new Map(tables.map((table, index) => [qualified(table), Number(found?.counts[index])]));
}

async function readBriefly<Row>(session: Session, sql: string): Promise<readonly Row[]> {
  try {
    const limits = "SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '10s'";
    return (await session.run(`BEGIN READ ONLY; ${limits}; ${sql}`)).rows as readonly Row[];
  } finally {
    await session.run('ROLLBACK');
  }
}

function toLoss(tables: readonly TableRow[], counts: ReadonlyMap<string, number>): Loss['tables'] {
  return tables.map((table) => {
    const name = table.schema === 'public' ? table.name : `${table.schema}.${table.name}`;
    const count = counts.get(qualified(table));
    return { name, rows: count ?? Math.round(table.estimate), exact: count !== undefined };
  });
}

function qualified(table: TableRow): string {
  return `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`;
}
