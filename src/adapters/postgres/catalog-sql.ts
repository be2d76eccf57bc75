/*
 * What of the catalog a `Catalog` holds, as one statement: a row an object, with `kind`, `name`, `whole` (what it is a part
 * of), `owner` and `fields`. To be run with the search path of `SETTINGS` alone, so that names in it are the system's
 * without being qualified, and that PostgreSQL qualifies all others in what it writes out.
 * Columns that some of PostgreSQL 13 to 18 lack are read through `to_jsonb` or not at all.
 */

/** Settings that decide how PostgreSQL writes definitions and constants out: roles and databases may have their own. */
export const SETTINGS = `SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, MDY';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL quote_all_identifiers = off`;

/** Oids below are of what `initdb` made. */
const FIRST_OWN = 16384;

const owner = (column: string): string => `pg_get_userbyid(${column})::text`;
const notMember = (catalog: string, column: string): string =>
  `NOT EXISTS (SELECT FROM member AS m WHERE m.classid = '${catalog}'::regclass AND m.objid = ${column})`;
const enabled = (column: string): string =>
  `CASE ${column} WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END`;

const CTES = `WITH member AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_depend AS d WHERE d.deptype = 'e'
), space AS MATERIALIZED (
  SELECT n.oid, n.nspname, n.nspowner FROM pg_namespace AS n
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'orch') AND n.nspname !~ '^pg_(toast|temp)'
), rel AS MATERIALIZED (
  SELECT c.*, format('%I.%I', n.nspname, c.relname) AS full_name
  FROM pg_class AS c JOIN space AS n ON n.oid = c.relnamespace WHERE ${notMember('pg_class', 'c.oid')}
)`;

/** A schema that an extension was put into may have been made by it, without being a member. */
const SCHEMAS = `SELECT 'schema', quote_ident(n.nspname), NULL, ${owner('n.nspowner')},
  jsonb_build_object('comment', obj_description(n.oid, 'pg_namespace'))
FROM space AS n WHERE n.nspname <> 'public' AND ${notMember('pg_namespace', 'n.oid')}
  AND NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extnamespace = n.oid)`;

const EXTENSIONS = `SELECT 'extension', quote_ident(e.extname), NULL, ${owner('e.extowner')}, '{}'::jsonb
FROM pg_extension AS e WHERE e.extname <> 'plpgsql'`;

const RELATIONS = `SELECT
  CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table'
    WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' END,
  c.full_name, NULL, ${owner('c.relowner')},
  jsonb_build_object(
    'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
    'options', (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) AS o),
    'partition key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
    'partition of', CASE WHEN c.relispartition THEN (
      SELECT i.inhparent::regclass::text || ' ' || pg_get_expr(c.relpartbound, c.oid)
      FROM pg_inherits AS i WHERE i.inhrelid = c.oid) END,
    'inherits', CASE WHEN NOT c.relispartition THEN (
      SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
      FROM pg_inherits AS i WHERE i.inhrelid = c.oid) END,
    'row security', CASE WHEN c.relforcerowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'enabled' END,
    'replica identity', CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN CASE WHEN c.relkind IN ('r', 'p') THEN 'nothing' END
      WHEN 'i' THEN (SELECT x.indexrelid::regclass::text FROM pg_index AS x WHERE x.indrelid = c.oid AND x.indisreplident) END,
    'definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) WHEN c.relkind = 'f' THEN (
      SELECT 'server ' || quote_ident(s.srvname) || coalesce(' ' || t.ftoptions::text, '')
      FROM pg_foreign_table AS t JOIN pg_foreign_server AS s ON s.oid = t.ftserver WHERE t.ftrelid = c.oid) END,
    'columns', CASE WHEN c.relkind IN ('r', 'p', 'f') THEN (
      SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
      FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) END,
    'comment', obj_description(c.oid, 'pg_class'))
FROM rel AS c WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')`;

const SEQUENCES = `SELECT 'sequence', c.full_name, o.full_name, ${owner('c.relowner')},
  jsonb_build_object(
    'type', format_type(s.seqtypid, NULL),
    'definition', format('start %s increment %s minimum %s maximum %s cache %s%s',
      s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN ' cycle' END),
    'owned by', o.column_name,
    'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
    'comment', obj_description(c.oid, 'pg_class'))
FROM rel AS c JOIN pg_sequence AS s ON s.seqrelid = c.oid LEFT JOIN LATERAL (
  SELECT t.full_name, quote_ident(a.attname) AS column_name
  FROM pg_depend AS d JOIN rel AS t ON t.oid = d.refobjid
  JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
    AND d.deptype IN ('a', 'i')
) AS o ON true`;

const COLUMNS = `SELECT 'column', quote_ident(a.attname), c.full_name, '',
  jsonb_build_object(
    'type', format_type(a.atttypid, a.atttypmod),
    'collation', CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
    'nullable', CASE WHEN a.attnotnull THEN 'no' END,
    'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
    'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    'generated', CASE a.attgenerated WHEN 's' THEN 'stored ' WHEN 'v' THEN 'virtual ' END || pg_get_expr(d.adbin, d.adrelid),
    'storage', CASE WHEN a.attstorage <> t.typstorage THEN
      CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' WHEN 'x' THEN 'extended' END END,
    'options', array_to_string(a.attoptions, ', '),
    'comment', col_description(a.attrelid, a.attnum))
FROM rel AS c JOIN pg_attribute AS a ON a.attrelid = c.oid JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped`;

/** Not-null constraints, which have rows of their own since PostgreSQL 18, are their columns' `nullable`. */
const CONSTRAINTS = `SELECT 'constraint', quote_ident(k.conname), c.full_name, '',
  jsonb_build_object('definition', pg_get_constraintdef(k.oid), 'comment', obj_description(k.oid, 'pg_constraint'))
FROM rel AS c JOIN pg_constraint AS k ON k.conrelid = c.oid
WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conparentid = 0`;

/** Without those that constraints and partitioned indexes have made. */
const INDEXES = `SELECT 'index', quote_ident(i.relname), c.full_name, '',
  jsonb_build_object(
    'definition', pg_get_indexdef(x.indexrelid),
    'valid', CASE WHEN NOT x.indisvalid THEN 'no' END,
    'comment', obj_description(x.indexrelid, 'pg_class'))
FROM rel AS c JOIN pg_index AS x ON x.indrelid = c.oid JOIN pg_class AS i ON i.oid = x.indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
  AND NOT EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = x.indexrelid)`;

const STATISTICS = `SELECT 'statistics', format('%I.%I', n.nspname, s.stxname), c.full_name, '',
  jsonb_build_object('definition', pg_get_statisticsobjdef(s.oid), 'comment', obj_description(s.oid, 'pg_statistic_ext'))
FROM rel AS c JOIN pg_statistic_ext AS s ON s.stxrelid = c.oid JOIN pg_namespace AS n ON n.oid = s.stxnamespace`;

const TRIGGERS = `SELECT 'trigger', quote_ident(t.tgname), c.full_name, '',
  jsonb_build_object('definition', pg_get_triggerdef(t.oid), 'enabled', ${enabled('t.tgenabled')},
    'comment', obj_description(t.oid, 'pg_trigger'))
FROM rel AS c JOIN pg_trigger AS t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal AND t.tgparentid = 0`;

const RULES = `SELECT 'rule', quote_ident(r.rulename), c.full_name, '',
  jsonb_build_object('definition', pg_get_ruledef(r.oid), 'enabled', ${enabled('r.ev_enabled')},
    'comment', obj_description(r.oid, 'pg_rewrite'))
FROM rel AS c JOIN pg_rewrite AS r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN'`;

const POLICIES = `SELECT 'policy', quote_ident(p.polname), c.full_name, '',
  jsonb_build_object(
    'definition', concat_ws(' ', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
      'for', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END,
      'to', (SELECT string_agg(CASE WHEN r = 0 THEN 'public' ELSE quote_ident(${owner('r')}) END, ', ' ORDER BY 1) FROM unnest(p.polroles) AS r),
      'using (' || pg_get_expr(p.polqual, p.polrelid) || ')', 'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
    'comment', obj_description(p.oid, 'pg_policy'))
FROM rel AS c JOIN pg_policy AS p ON p.polrelid = c.oid`;

const ROUTINES = `SELECT
  CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END,
  format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), NULL, ${owner('p.proowner')},
  jsonb_build_object(
    'definition', CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE (
      SELECT concat_ws(', ', a.aggtransfn, a.aggtranstype::regtype, a.aggfinalfn, a.aggcombinefn, a.agginitval, a.aggsortop)
      FROM pg_aggregate AS a WHERE a.aggfnoid = p.oid) END,
    'comment', obj_description(p.oid, 'pg_proc'))
FROM pg_proc AS p JOIN space AS n ON n.oid = p.pronamespace WHERE ${notMember('pg_proc', 'p.oid')}
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')`;

const TYPES = `SELECT
  CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range type' ELSE 'composite type' END,
  format('%I.%I', n.nspname, t.typname), NULL, ${owner('t.typowner')},
  jsonb_build_object(
    'values', (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid),
    'type', CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
      WHEN 'r' THEN (SELECT format_type(r.rngsubtype, NULL) FROM pg_range AS r WHERE r.rngtypid = t.oid) END,
    'collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> 0 AND t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END,
    'nullable', CASE WHEN t.typnotnull THEN 'no' END,
    'default', t.typdefault,
    'definition', CASE t.typtype WHEN 'd' THEN (
        SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), E'\\n' ORDER BY k.conname)
        FROM pg_constraint AS k WHERE k.contypid = t.oid AND k.contype = 'c')
      WHEN 'r' THEN (
        SELECT concat_ws(', ', o.opcname, nullif(r.rngcanonical, 0)::regproc, nullif(r.rngsubdiff, 0)::regproc)
        FROM pg_range AS r JOIN pg_opclass AS o ON o.oid = r.rngsubopc WHERE r.rngtypid = t.oid) END,
    'columns', CASE WHEN t.typtype = 'c' THEN (
      SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
      FROM pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END,
    'comment', obj_description(t.oid, 'pg_type'))
FROM pg_type AS t JOIN space AS n ON n.oid = t.typnamespace LEFT JOIN pg_type AS b ON b.oid = t.typbasetype
WHERE ${notMember('pg_type', 't.oid')} AND (t.typtype IN ('e', 'd', 'r')
  OR (t.typtype = 'c' AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = t.typrelid AND c.relkind = 'c')))`;

const EVENT_TRIGGERS = `SELECT 'event trigger', quote_ident(e.evtname), NULL, ${owner('e.evtowner')},
  jsonb_build_object(
    'definition', concat_ws(' ', 'on', e.evtevent, 'when tag in ' || e.evttags::text, 'execute', e.evtfoid::regprocedure),
    'enabled', ${enabled('e.evtenabled')},
    'comment', obj_description(e.oid, 'pg_event_trigger'))
FROM pg_event_trigger AS e WHERE ${notMember('pg_event_trigger', 'e.oid')}`;

const RARE = [
  'pg_operator',
  'pg_opclass',
  'pg_opfamily',
  'pg_collation',
  'pg_conversion',
  'pg_ts_config',
  'pg_ts_dict',
  'pg_ts_parser',
  'pg_ts_template',
  'pg_cast',
  'pg_language',
  'pg_transform',
  'pg_foreign_data_wrapper',
  'pg_foreign_server',
  'pg_publication',
];

/** The multirange of a range, and what comes with it, follow from the range: it has casts of its own (deptype `i`). */
const OTHERS = RARE.map(
  (catalog) => `SELECT 'other', i.type || ' ' || i.identity, NULL, '', '{}'::jsonb
FROM ${catalog} AS o, LATERAL pg_identify_object('${catalog}'::regclass, o.oid, 0) AS i
WHERE o.oid >= ${FIRST_OWN} AND ${notMember(catalog, 'o.oid')} AND i.schema IS DISTINCT FROM 'orch'
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = '${catalog}'::regclass AND d.objid = o.oid AND d.deptype = 'i')`,
);

const BRANCHES = [
  SCHEMAS,
  EXTENSIONS,
  RELATIONS,
  SEQUENCES,
  COLUMNS,
  CONSTRAINTS,
  INDEXES,
  STATISTICS,
  TRIGGERS,
  RULES,
  POLICIES,
  ROUTINES,
  TYPES,
  EVENT_TRIGGERS,
  ...OTHERS,
];

export const CATALOG = `${CTES}
SELECT o.kind, o.name, o.whole, o.owner, jsonb_strip_nulls(o.fields) AS fields
FROM (${BRANCHES.join('\nUNION ALL\n')}) AS o (kind, name, whole, owner, fields)
ORDER BY o.kind COLLATE "C", o.whole COLLATE "C" NULLS FIRST, o.name COLLATE "C"`;
