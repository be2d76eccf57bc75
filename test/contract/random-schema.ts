/** Numbers from 0 up to 1, the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TYPES = [
  'integer',
  'bigint',
  'text',
  'varchar(20)',
  'numeric(8,2)',
  'timestamptz',
  'mood',
  'boolean',
  'jsonb',
  'small',
];
const DEFAULTS: Readonly<Record<string, string>> = {
  integer: '1',
  bigint: 'five()',
  text: "'x'",
  mood: "'ok'",
  boolean: 'false',
  small: '3',
};

/**
 * A schema out of few names, so that two of them have much in common: an enum, a domain, functions, tables with all sorts of
 * columns, keys, checks and indexes, and views on them.
 */
export function randomSchema(random: () => number): string {
  const may = (chance: number): boolean => random() < chance;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const values = ["'sad'", "'ok'", ...(may(0.5) ? ["'great'"] : []), ...(may(0.3) ? ["'awful'"] : [])];
  const statements = [
    `CREATE TYPE mood AS ENUM (${values.join(', ')})`,
    `CREATE DOMAIN small AS integer CHECK (value < ${may(0.5) ? 10 : 20})`,
    `CREATE FUNCTION five() RETURNS integer LANGUAGE sql AS 'SELECT ${may(0.5) ? 5 : 6}'`,
  ];
  const tables = ['a', 'b', '"C c"', 'd'].filter(() => may(0.8));
  for (const table of tables) statements.push(...randomTable(table, tables, may, pick));
  return `${statements.join(';\n')};\n`;
}

function randomTable(
  table: string,
  tables: readonly string[],
  may: (chance: number) => boolean,
  pick: <T>(from: readonly T[]) => T,
): readonly string[] {
  const columns = ['k', 'l', '"M"', 'n'].filter(() => may(0.8));
  const maybe = (chance: number, text: string): readonly string[] => (may(chance) ? [text] : []);
  // Only on what is made before.
  const referred = pick(tables.slice(0, tables.indexOf(table) + 1));
  const lines = [
    `id bigint ${pick(['GENERATED ALWAYS AS IDENTITY', 'NOT NULL'])} PRIMARY KEY`,
    ...columns.map((column) => randomColumn(column, may, pick)),
    ...maybe(0.3, 'g bigint GENERATED ALWAYS AS (id + 1) STORED'),
    ...maybe(0.4, `s ${pick(['serial', 'bigserial'])}`),
    ...maybe(0.4, `CONSTRAINT ck CHECK (id > ${pick([0, 1])})`),
    ...maybe(0.5, `r bigint REFERENCES ${referred} (id)${pick(['', ' ON DELETE CASCADE'])}`),
  ];
  const name = table.replaceAll('"', '').replaceAll(' ', '_');
  const last = columns.at(-1) ?? 'id';
  return [
    `CREATE TABLE ${table} (${lines.join(', ')})`,
    ...maybe(0.5, `CREATE INDEX ix_${name} ON ${table} (id ${pick(['ASC', 'DESC'])})`),
    ...maybe(0.6, `CREATE VIEW v_${name} AS SELECT id AS i, ${last} AS l FROM ${table}`),
    ...maybe(0.4, `COMMENT ON COLUMN ${table}.${last} IS '${pick(['one', 'two'])}'`),
  ];
}

function randomColumn(column: string, may: (chance: number) => boolean, pick: <T>(from: readonly T[]) => T): string {
  const type = pick(TYPES);
  const fallback = DEFAULTS[type];
  return `${column} ${type}${fallback !== undefined && may(0.5) ? ` DEFAULT ${fallback}` : ''}${may(0.3) ? ' NOT NULL' : ''}`;
}
