import { folded, type IndexBuild, isWide } from '../../core/sql/index-build.ts';
import type { Session } from '../../ports/database.ts';
import type { BegunBuild, FoundTable, IndexBuilds } from '../../ports/index-builds.ts';
import type { Writer } from '../../ports/ledger.ts';
import { logSql, logWhereSql } from './ledger-sql.ts';
import { quoteLiteral } from './quoting.ts';

/* The names are looked for in the revision's own session, under its search path: every other name is qualified. */

const EQUALS = 'OPERATOR(pg_catalog.=)';

interface IndexRow {
  readonly table: string;
  readonly name: string | null;
  readonly sql: string | null;
  readonly valid: boolean | null;
  readonly own: boolean | null;
  readonly definition?: string | null;
  readonly taken: string | null;
}

/** Only the last part of a name is shortened to 63 bytes, as the server does it: by the cast to `name`. */
const FIND = (table: string, own: string): string => `
  SELECT pg_catalog.format('%I.%I', tn.nspname, t.relname) AS "table", x.relname::pg_catalog.text AS name,
    CASE WHEN x.oid IS NOT NULL THEN pg_catalog.format('%I.%I', xn.nspname, x.relname) END AS sql, i.indisvalid AS valid, ${own} AS own,
    CASE WHEN x.oid IS NOT NULL THEN
      pg_catalog.replace(pg_catalog.pg_get_indexdef(x.oid), pg_catalog.format(' %I ON ', x.relname), ' ON ') END AS definition,
    (SELECT pg_catalog.format('%I.%I', tn.nspname, o.relname) FROM pg_catalog.pg_class AS o
     WHERE o.relname ${EQUALS} $2::pg_catalog.name AND o.relnamespace ${EQUALS} t.relnamespace AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_index AS oi WHERE oi.indexrelid ${EQUALS} o.oid AND oi.indrelid ${EQUALS} t.oid)) AS taken
  FROM pg_catalog.pg_class AS t
  JOIN pg_catalog.pg_namespace AS tn ON tn.oid ${EQUALS} t.relnamespace
  LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid ${EQUALS} t.oid
  LEFT JOIN pg_catalog.pg_class AS x ON x.oid ${EQUALS} i.indexrelid
  LEFT JOIN pg_catalog.pg_namespace AS xn ON xn.oid ${EQUALS} x.relnamespace
  WHERE t.oid ${EQUALS} ${table}
  ORDER BY x.relname`;

const NAMED = 'pg_catalog.to_regclass($1)::pg_catalog.oid';
const BY_TABLE = FIND(NAMED, `x.relname ${EQUALS} $2::pg_catalog.name`);
const BY_INDEX = FIND(
  `(SELECT n.indrelid FROM pg_catalog.pg_index AS n WHERE n.indexrelid ${EQUALS} ${NAMED})`,
  `x.oid ${EQUALS} ${NAMED}`,
);

/**
 * What REINDEX CONCURRENTLY left behind in a schema ($1; null: in the database, but for the catalogs), in the tables' own
 * TOAST tables too, and a row without an index where there is nothing. Of tables that nobody else can see (TEMPORARY) not.
 */
const LEFTOVERS = `
  SELECT s.shown AS "table", l.sql AS name, l.sql, false AS valid, false AS own, NULL AS taken
  FROM (SELECT CASE WHEN $1::pg_catalog.text IS NULL THEN pg_catalog.format('database %I', pg_catalog.current_database())
      ELSE pg_catalog.format('schema %I', $1::pg_catalog.text) END AS shown) AS s
  LEFT JOIN LATERAL (
    SELECT pg_catalog.format('%I.%I', xn.nspname, x.relname) AS sql
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid ${EQUALS} i.indexrelid
    JOIN pg_catalog.pg_namespace AS xn ON xn.oid ${EQUALS} x.relnamespace
    JOIN pg_catalog.pg_class AS t ON t.oid ${EQUALS} i.indrelid
    LEFT JOIN pg_catalog.pg_class AS o ON o.reltoastrelid ${EQUALS} t.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid ${EQUALS} COALESCE(o.relnamespace, t.relnamespace)
    WHERE NOT i.indisvalid AND x.relkind ${EQUALS} 'i' AND x.relpersistence OPERATOR(pg_catalog.<>) 't'
      AND x.relname OPERATOR(pg_catalog.~) '_cc(new|old)[0-9]*$'
      AND CASE WHEN $1::pg_catalog.text IS NULL THEN n.nspname OPERATOR(pg_catalog.<>) ALL (ARRAY['pg_catalog', 'information_schema'])
        ELSE n.nspname ${EQUALS} $1::pg_catalog.name END
  ) AS l ON true
  ORDER BY l.sql`;

const BEGUN = `
  SELECT l.message FROM orch.log AS l
  WHERE l.revision ${EQUALS} $1 AND l.action ${EQUALS} $2 AND l.outcome ${EQUALS} 'started' AND l.sequence OPERATOR(pg_catalog.>) COALESCE(
    (SELECT pg_catalog.max(d.sequence) FROM orch.log AS d WHERE d.revision ${EQUALS} $1 AND d.outcome ${EQUALS} 'succeeded'), 0)
  ORDER BY l.sequence DESC`;

/** Reads the catalog, and keeps what was begun in `orch.log`. */
export const postgresIndexBuilds: IndexBuilds = {
  find: findIndexes,
  async begin(session, begun, before, writer) {
    const message = JSON.stringify({ ...keyOf(begun), table: begun.table, before });
    const entry = { action: actionOf(begun), outcome: 'started', revision: begun.revision.name } as const;
    await session.run(logSql({ ...entry, duration: 0, sqlstate: undefined, message }, writer));
  },
  async findBegun(session, begun) {
    const { rows } = await session.query<{ message: string | null }>(BEGUN, [begun.revision.name, actionOf(begun)]);
    const { build, of } = keyOf(begun);
    for (const { message } of rows) {
      const kept = readMessage(message);
      const isSame = kept?.build === build && kept.of === of;
      if (isSame && (begun.table === undefined || begun.table === kept.table)) return kept.before;
    }
    return undefined;
  },
  async drop(session, sql) {
    await session.run(`DROP INDEX CONCURRENTLY IF EXISTS ${sql}`);
  },
};

async function findIndexes(session: Session, build: IndexBuild): Promise<FoundTable | undefined> {
  const byTable = build.kind === 'create' || build.kind === 'reindex-table';
  const { rows } = isWide(build)
    ? await session.query<IndexRow>(LEFTOVERS, [build.kind === 'reindex-schema' ? folded(build.relation) : null])
    : await session.query<IndexRow>(byTable ? BY_TABLE : BY_INDEX, [build.relation, build.index ?? '']);
  const [first] = rows;
  if (first === undefined) return undefined;
  const indexes = rows.flatMap(({ name, sql, valid, own, definition }) =>
    name === null || sql === null
      ? []
      : [{ name, sql, valid: valid === true, own: own === true, definition: definition ?? undefined }],
  );
  return { table: first.table, indexes, taken: first.taken ?? undefined };
}

function actionOf({ direction }: BegunBuild): 'apply' | 'revert' {
  return direction === 'up' ? 'apply' : 'revert';
}

/** What tells this build from the others of the revision: its text may be mended as long as it is not done. */
function keyOf({ build }: BegunBuild): { readonly build: string; readonly of: string } {
  return { build: build.kind, of: build.kind === 'create' ? (build.index ?? '') : build.relation };
}

interface Kept {
  readonly build: string;
  readonly of: string;
  readonly table: string | undefined;
  readonly before: readonly string[];
}

/** For a script, what `begin` records: the server itself looks what is there. Of a whole schema or database nothing is. */
export function beginBuildSql(begun: Omit<BegunBuild, 'table'>, writer: Writer): string {
  if (isWide(begun.build)) return '';
  const { build, of } = keyOf({ ...begun, table: undefined });
  const relation = `pg_catalog.to_regclass(${quoteLiteral(begun.build.relation)})::pg_catalog.oid`;
  const byTable = begun.build.kind === 'create' || begun.build.kind === 'reindex-table';
  const table = byTable
    ? relation
    : `(SELECT n.indrelid FROM pg_catalog.pg_index AS n WHERE n.indexrelid ${EQUALS} ${relation})`;
  const name = `(SELECT pg_catalog.format('%I.%I', tn.nspname, t.relname) FROM pg_catalog.pg_class AS t
    JOIN pg_catalog.pg_namespace AS tn ON tn.oid ${EQUALS} t.relnamespace WHERE t.oid ${EQUALS} ${table})`;
  const before = `ARRAY(SELECT x.relname FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid ${EQUALS} i.indexrelid WHERE i.indrelid ${EQUALS} ${table})`;
  const sql = `pg_catalog.json_build_object('build', ${quoteLiteral(build)}, 'of', ${quoteLiteral(of)}, 'table', ${name}, 'before', ${before})::pg_catalog.text`;
  const action = begun.direction === 'up' ? 'apply' : 'revert';
  const entry = { action, outcome: 'started', revision: begun.revision.name } as const;
  return logWhereSql({ ...entry, duration: 0, sqlstate: undefined, message: { sql } }, writer, `${table} IS NOT NULL`);
}

/** Undefined: the entry is of another kind, or was cut. */
function readMessage(message: string | null): Kept | undefined {
  if (message === null || !message.startsWith('{"build"')) return undefined;
  try {
    return JSON.parse(message) as Kept;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
