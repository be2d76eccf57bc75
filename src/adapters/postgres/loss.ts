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
  const { rows } = await session.query<TableRow>(TABLES, [COUNTED]);
  const { rows: sizes } = await session.query<{ size: string }>(
    'SELECT pg_catalog.pg_database_size(pg_catalog.current_database()) AS size',
  );
  const { rows: sessions } = await session.query<HolderRow>(SESSIONS, [run]);
  return {
    database: service.database,
    tables: await countRows(session, rows),
    size: Number(sizes[0]?.size ?? 0),
    sessions: sessions.map(holderOf),
  };
}

/** A partitioned table has no rows of its own; its partitions are tables like others. `reltuples` -1: never looked at. */
const TABLES = `
  SELECT n.nspname AS schema, c.relname AS name, GREATEST(c.reltuples, 0)::pg_catalog.float8 AS estimate,
    pg_catalog.pg_relation_size(c.oid) <= $1::pg_catalog.int8 AS small
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'orch')
    AND n.nspname NOT LIKE 'pg\\_toast%'
  ORDER BY n.nspname, c.relname`;

const SESSIONS = `
  SELECT ${HOLDER_COLUMNS} FROM pg_catalog.pg_stat_activity AS a
  WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
    AND a.backend_type = 'client backend' AND NOT a.application_name LIKE 'orch %' || $1::pg_catalog.text
  ORDER BY a.backend_start`;

async function countRows(session: Session, tables: readonly TableRow[]): Promise<Loss['tables']> {
  const counts = await countSmall(session, tables.filter((table) => table.small));
  return tables.map((table) => {
    const name = table.schema === 'public' ? table.name : `${table.schema}.${table.name}`;
    const count = counts.get(qualified(table));
    return { name, rows: count ?? Math.round(table.estimate), exact: count !== undefined };
  });
}

/** Waits a second at most for a table that another session has locked: estimates serve then. */
async function countSmall(session: Session, tables: readonly TableRow[]): Promise<ReadonlyMap<string, number>> {
  if (tables.length === 0) return new Map();
  const counts = tables.map((table) => `(SELECT pg_catalog.count(*) FROM ONLY ${qualified(table)})`);
  try {
    const { rows } = await session.run(`BEGIN READ ONLY; SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '10s';
SELECT ARRAY[${counts.join(', ')}]::pg_catalog.text[] AS counts`);
    const [found] = rows as { counts: string[] }[];
    return new Map(tables.map((table, index) => [qualified(table), Number(found?.counts[index])]));
  } catch (error) {
    if (!(error instanceof DatabaseError) || !['55P03', '57014', '42P01', '42501'].includes(error.sqlstate)) throw error;
    return new Map();
  } finally {
    await session.run('ROLLBACK');
  }
}

function qualified(table: TableRow): string {
  return `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`;
}
