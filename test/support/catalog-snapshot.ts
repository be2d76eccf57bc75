import pg from 'pg';
import type { PostgresAddress } from './postgres.ts';

/** Everything in a database that its revisions made, and its ledger: two databases with equal snapshots are alike. */
export async function snapshot(
  postgres: PostgresAddress,
  database: string,
): Promise<Record<string, readonly unknown[]>> {
  const { host, port, adminRole: user, adminPassword: password } = postgres;
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  try {
    const found: Record<string, readonly unknown[]> = {};
    for (const [what, sql] of Object.entries(queries))
      found[what] = (await client.query({ text: sql, rowMode: 'array' })).rows;
    found.rows = await readRows(client);
    return found;
  } finally {
    await client.end();
  }
}

const OWN = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'orch') AND n.nspname NOT LIKE 'pg\\_%'`;
const NO_EXTENSION = (classid: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${classid}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;

const queries: Readonly<Record<string, string>> = {
  schemas: `SELECT nspname, pg_get_userbyid(nspowner), nspacl::text FROM pg_namespace n WHERE nspname NOT LIKE 'pg\\_%' ORDER BY 1`,
  relations: `SELECT n.nspname, c.relname, c.relkind, c.relpersistence, pg_get_userbyid(c.relowner), c.relacl::text, c.reloptions::text,
      obj_description(c.oid), CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN} AND ${NO_EXTENSION('pg_class', 'c.oid')} ORDER BY 1, 2`,
  columns: `SELECT n.nspname, c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
      pg_get_expr(d.adbin, d.adrelid), a.attacl::text, col_description(c.oid, a.attnum)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND ${OWN} ORDER BY 1, 2, 3`,
  constraints: `SELECT n.nspname, c.conname, pg_get_constraintdef(c.oid), c.convalidated
    FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE ${OWN} ORDER BY 1, 2, 3`,
  indexes: `SELECT pg_get_indexdef(i.indexrelid), i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN} ORDER BY 1`,
  functions: `SELECT pg_get_functiondef(p.oid), pg_get_userbyid(p.proowner), p.proacl::text FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind IN ('f', 'p') AND ${OWN} AND ${NO_EXTENSION('pg_proc', 'p.oid')} ORDER BY 1`,
  triggers: `SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND ${OWN} ORDER BY 1`,
  types: `SELECT n.nspname, t.typname, t.typtype, (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype IN ('e', 'd') AND ${OWN} AND ${NO_EXTENSION('pg_type', 't.oid')} ORDER BY 1, 2`,
  defaults: `SELECT pg_get_userbyid(defaclrole), defaclobjtype, defaclacl::text FROM pg_default_acl ORDER BY 1, 2`,
  extensions: `SELECT extname, extversion, pg_get_userbyid(extowner), extnamespace::regnamespace::text FROM pg_extension ORDER BY 1`,
  orch: `SELECT c.relname, c.relkind, pg_get_userbyid(c.relowner), c.relacl::text FROM pg_class c WHERE c.relnamespace = to_regnamespace('orch') ORDER BY 1`,
  ledger: `SELECT kind, id, name, parents, checksum, state, role, up_text, down_text, up_file, down_file, down_checksum, requires, variables, note, file_gone,
      orch_version FROM orch.ledger ORDER BY sequence`,
  log: `SELECT action, outcome, revision, role FROM orch.log WHERE action <> 'notice' ORDER BY sequence`,
  cursors: `SELECT revision, direction, name FROM orch.cursor`,
};

/** The rows of every table, without those columns that hold when they were written. */
async function readRows(client: pg.Client): Promise<readonly unknown[]> {
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND ${OWN} ORDER BY 1`,
  );
  const found: unknown[] = [];
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(
      `SELECT (to_jsonb(t) - 'created_at' - 'updated_at' - 'id')::text AS row FROM ${name} AS t ORDER BY 1`,
    );
    found.push([name, rows.map(({ row }) => row)]);
  }
  return found;
}
