/** Names of constraints and indexes by convention, as SQLAlchemy's `naming_convention` gives them. */

export type NameKind = 'pk' | 'ix' | 'uq' | 'fk' | 'ck';

/**
 * A pattern a kind. Patterns hold `{table}`, `{columns}` (joined with `_`), `{column}` (the first one),
 * `{referred_table}` and `{name}` (what a check is about), or SQLAlchemy's own words: `%(table_name)s`,
 * `%(column_0_N_name)s`, `%(column_0_name)s`, `%(referred_table_name)s`, `%(constraint_name)s`.
 */
export type NamingConvention = { readonly [K in NameKind]: string };

export const defaultNaming: NamingConvention = {
  pk: 'pk_{table}',
  ix: 'ix_{table}_{columns}',
  uq: 'uq_{table}_{columns}',
  fk: 'fk_{table}_{columns}_{referred_table}',
  ck: 'ck_{table}_{name}',
};

/** What a constraint or index is of. */
export interface Named {
  readonly table: string;
  readonly columns?: readonly string[];
  /** For foreign keys. */
  readonly referredTable?: string;
  /** For checks; absent: the columns. */
  readonly name?: string;
}

type Part = 'table' | 'columns' | 'column' | 'compact' | 'referred' | 'name';

const parts: ReadonlyMap<string, Part> = new Map([
  ['table', 'table'],
  ['columns', 'columns'],
  ['column', 'column'],
  ['referred_table', 'referred'],
  ['name', 'name'],
  ['table_name', 'table'],
  ['column_0_name', 'column'],
  ['column_0_key', 'column'],
  ['column_0_N_name', 'columns'],
  ['column_0_N_key', 'columns'],
  ['column_0N_name', 'compact'],
  ['column_0N_key', 'compact'],
  ['referred_table_name', 'referred'],
  ['constraint_name', 'name'],
]);

/** A word in either form: `{table}` or `%(table_name)s`. */
const word = /\{([^{}]*)\}|%\(([^()]*)\)s/g;

/** NAMEDATALEN - 1: PostgreSQL cuts longer names off with no more than a notice, and two of them may become one. */
const MAX_BYTES = 63;

/**
 * The name of a constraint or index, at most 63 bytes of UTF-8: a longer one is cut at a character and ends with eight
 * hexadecimal digits made of the whole name, so that the same name comes out on every machine and two long names that
 * begin alike stay two.
 */
export function nameOf(convention: NamingConvention, kind: NameKind, named: Named): string {
  const values = valuesOf(named);
  return shortenName(
    convention[kind].replace(word, (whole, ours?: string, alembic?: string) => {
      const part = parts.get(ours ?? alembic ?? '');
      return part === undefined ? whole : values[part];
    }),
  );
}

function valuesOf({ table, columns = [], referredTable = '', name }: Named): { readonly [P in Part]: string } {
  const joined = columns.join('_');
  return {
    table,
    columns: joined,
    column: columns[0] ?? '',
    compact: columns.join(''),
    referred: referredTable,
    name: name ?? joined,
  };
}

/** The first word of a pattern that means nothing, and what may stand there; undefined: the pattern is sound. */
export function findUnknownWord(
  pattern: string,
): { readonly found: string; readonly known: readonly string[] } | undefined {
  for (const [whole, ours, alembic] of pattern.matchAll(word)) {
    if (!parts.has(ours ?? alembic ?? ''))
      return { found: whole, known: ['{table}', '{columns}', '{column}', '{referred_table}', '{name}'] };
  }
  return undefined;
}

/**
 * At most 63 bytes; see `nameOf`.
 *
 * @internal
 */
export function shortenName(name: string): string {
  if (byteLength(name) <= MAX_BYTES) return name;
  const hash = fnv1a(name).toString(16).padStart(8, '0');
  let kept = '';
  let size = 0;
  for (const character of name) {
    size += byteLength(character);
    if (size > MAX_BYTES - hash.length - 1) break;
    kept += character;
  }
  return `${kept}_${hash}`;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** FNV-1a, 32 bits: no secret is kept by it, it only has to tell names apart, and core has no package and no Node. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
