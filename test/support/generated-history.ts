/** A history of revision files that differs with the seed: what people write, in any mixture. */
export function generateHistory(seed: number, count: number): Record<string, string> {
  const random = generator(seed);
  const files: Record<string, string> = {};
  const tables: string[] = [];
  for (let number = 1; number <= count; number += 1) {
    const id = String(number).padStart(3, '0');
    const table = `t${number}`;
    const earlier = tables[Math.floor(random() * tables.length)];
    const kinds = earlier === undefined ? ['table'] : Object.keys(makers);
    const kind = kinds[Math.floor(random() * kinds.length)] ?? 'table';
    const { up, down, code } = (makers[kind] ?? makers.table)(table, earlier ?? table, random);
    if (code !== undefined) files[`${id}_${kind}.ts`] = code;
    else {
      files[`${id}_${kind}.up.sql`] = up;
      files[`${id}_${kind}.down.sql`] = down;
    }
    if (kind === 'table' || kind === 'wrapped' || kind === 'copy') tables.push(table);
  }
  return files;
}

interface Made {
  readonly up: string;
  readonly down: string;
  readonly code?: string;
}

const create = (table: string): string =>
  `CREATE TABLE ${table} (key int PRIMARY KEY, "Note" text DEFAULT 'a;b', n numeric(6,2))`;

const makers: Readonly<Record<string, (table: string, earlier: string, random: () => number) => Made>> & {
  readonly table: (table: string) => Made;
} = {
  table: (table) => ({
    up: `${create(table)};\nINSERT INTO ${table} SELECT g, 'é ' || g, g / 3.0 FROM generate_series(1, 25) g`,
    down: `DROP TABLE ${table} -- no semicolon, a comment last`,
  }),
  wrapped: (table) => ({ up: `BEGIN;\n${create(table)};\nCOMMIT;\n`, down: `BEGIN;\nDROP TABLE ${table};\nCOMMIT;\n` }),
  copy: (table) => ({
    up: `\\restrict abc\n${create(table)};\nCOPY ${table} (key, "Note") FROM stdin;\n1\ta 'quote\n2\t\\N\n3\t:x :'y' $$\n\\.\n\nCREATE INDEX ix_${table} ON ${table} (n);\n\\unrestrict abc\n`,
    down: `DROP TABLE ${table};`,
  }),
  emptyCopy: (_, earlier) => ({ up: `COPY ${earlier} FROM stdin;\n\\.\n`, down: '' }),
  comment: () => ({ up: '-- nothing to do here', down: '/* nor here */' }),
  outside: (table, earlier) => ({
    up: `-- orch: transaction none\nCREATE INDEX CONCURRENTLY i_${table} ON ${earlier} (n);\nBEGIN;\nCREATE VIEW v_${table} AS SELECT key FROM ${earlier};\nCOMMIT;\nCREATE INDEX CONCURRENTLY j_${table} ON ${earlier} ("Note")`,
    down: `-- orch: transaction none\nDROP VIEW v_${table};\nDROP INDEX CONCURRENTLY j_${table};\nDROP INDEX CONCURRENTLY i_${table};`,
  }),
  routine: (table, earlier) => ({
    up: `CREATE FUNCTION f_${table}(lo int, hi int) RETURNS int[] LANGUAGE sql AS $f$ SELECT (ARRAY[1,2,3,4])[lo:hi] /* :'x' */ $f$;
CREATE FUNCTION g_${table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := NEW.n::numeric + 1; RETURN NEW; END $$;
CREATE TRIGGER g_${table} BEFORE UPDATE ON ${earlier} FOR EACH ROW EXECUTE FUNCTION g_${table}();
CREATE FUNCTION h_${table}(PORT int) RETURNS int BEGIN ATOMIC SELECT (ARRAY[5,6,7])[1:PORT][1]; SELECT 2; END;
SET search_path = pg_catalog; SET standard_conforming_strings = off;
COMMENT ON TABLE public.${earlier} IS 'it\\'s';`,
    down: `DROP TRIGGER g_${table} ON ${earlier}; DROP FUNCTION g_${table}; DROP FUNCTION f_${table}; DROP FUNCTION h_${table}; COMMENT ON TABLE ${earlier} IS NULL;`,
  }),
  state: (table, earlier) => ({
    up: `SET ROLE NONE; CREATE TEMP TABLE ${table} (a int); SET TIME ZONE 'Asia/Tokyo'; UPDATE ${earlier} SET n = 1.5 WHERE key % 2 = 0;`,
    down: '',
  }),
  variables: (table) => ({
    up: `-- orch: variables schema_name label\nCREATE SCHEMA IF NOT EXISTS :"schema_name";\nCREATE TABLE :"schema_name".${table} (a text DEFAULT :'label');\nCOMMENT ON TABLE :"schema_name".${table} IS ':"schema_name"';`,
    down: `DROP TABLE :"schema_name".${table}; DROP SCHEMA :"schema_name";`.replace(' DROP SCHEMA :"schema_name";', ''),
  }),
  code: (_, earlier, random) => ({ up: '', down: '', code: codeOf(earlier, random() < 0.5) }),
};

function codeOf(table: string, outside: boolean): string {
  return `${outside ? '// orch: transaction none\n' : ''}
export async function up({ batches, query, sql, identifier, log, config }) {
  log.info('for ' + config.service);
  await query('UPDATE ${table} SET n = $1 WHERE key = $2', ['1.25', 1]);
  await batches({ table: '${table}', key: 'key', where: sql\`key > \${0}\`, size: 4 }, async ({ keys, first, last }) => {
    await query(sql\`UPDATE \${identifier('${table}')} SET "Note" = coalesce("Note", '') || \${"100 % 'x'"} WHERE key = ANY (\${keys})\`);
    await query(sql\`UPDATE ${table} SET n = coalesce(n, 0) + 1 WHERE key BETWEEN \${first} AND \${last}\`);
  });
  await query(sql\`UPDATE ${table} SET "Note" = \${null} WHERE key = ANY (\${[2, 3]})\`);
}
export async function down({ query }) { await query('UPDATE ${table} SET n = 0'); }
`;
}

/** mulberry32: the same numbers for the same seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
