/*
 * Whether a database is empty: asked only where there is no ledger. What extensions, orch and the system made does not
 * count, nor a schema that an extension was put into.
 */

/** How many names are given. */
const NAMED = 5;

const notMember = (catalog: string, column: string): string => `NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND d.objid = ${column} AND d.deptype = 'e')`;

/** A column's sequence goes with its table, a range's functions with the range. (A partitioned table depends on itself.) */
const independent = (catalog: string, column: string): string => `NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND d.objid = ${column} AND d.deptype IN ('a', 'i', 'e'))`;

/** An object `{count, names}` as JSON. */
export const CONTENTS = `(WITH space AS (
    SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'orch') AND n.nspname !~ '^pg_(toast|temp)'
  ), found (place, name) AS (
    SELECT 1, pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM pg_catalog.pg_class AS c JOIN space AS n ON n.oid = c.relnamespace
    WHERE (c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition AND ${notMember('pg_class', 'c.oid')})
      OR (c.relkind = 'S' AND ${independent('pg_class', 'c.oid')})
    UNION ALL
    SELECT 2, pg_catalog.format('%I.%I', n.nspname, t.typname)
    FROM pg_catalog.pg_type AS t JOIN space AS n ON n.oid = t.typnamespace
    WHERE ${notMember('pg_type', 't.oid')} AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND EXISTS (
      SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = t.typrelid AND c.relkind = 'c')))
    UNION ALL
    SELECT 3, pg_catalog.format('%I.%I', n.nspname, p.proname)
    FROM pg_catalog.pg_proc AS p JOIN space AS n ON n.oid = p.pronamespace
    WHERE ${independent('pg_proc', 'p.oid')}
    UNION ALL
    SELECT 4, pg_catalog.quote_ident(n.nspname) FROM space AS n
    WHERE n.nspname <> 'public' AND ${notMember('pg_namespace', 'n.oid')}
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension AS e WHERE e.extnamespace = n.oid)
  )
  SELECT pg_catalog.jsonb_build_object(
    'count', pg_catalog.count(*),
    'names', (pg_catalog.array_agg(f.name ORDER BY f.place, f.name))[1:${NAMED}])
  FROM found AS f)`;
