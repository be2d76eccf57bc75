import { identifier, rawSql, type SqlFragment, sql } from './sql/fragment.ts';

/** What `batches` of a revision is asked for, checked. */
export interface BatchPlan {
  readonly source: SqlFragment;
  readonly key: string;
  /** Undefined: all that the source has. */
  readonly columns: readonly string[] | undefined;
  readonly size: number;
}

export interface BatchRequest {
  readonly table?: string;
  readonly query?: SqlFragment;
  readonly key: string;
  readonly where?: SqlFragment;
  readonly columns?: readonly string[];
  readonly size?: number;
}

/** The name under which the key comes as text beside its own column. */
export const KEY_TEXT = 'orch.key';

/** Checks the request. Throws TypeError where it makes no sense. */
export function planBatches({ table, query, key, where, columns, size = 1000 }: BatchRequest): BatchPlan {
  if ((table === undefined) === (query === undefined))
    throw new TypeError('batches needs a table or a query, one of the two');
  if (!Number.isInteger(size) || size < 1) throw new TypeError('the size of batches is a whole number above 0');
  if (query !== undefined && where !== undefined) throw new TypeError('with a query, `where` is a part of it');
  if (query !== undefined) return { source: query, key, columns, size };
  const from = sql`SELECT * FROM ${identifier(...(table ?? '').split('.'))}`;
  return { source: where === undefined ? from : sql`${from} WHERE ${where}`, key, columns: columns ?? [key], size };
}

/**
 * The rows of one batch, in the order of the key. WITH TIES: rows of one key are never parted, or the second part of
 * them would be passed over.
 * @param position the last key of the batch before, as text
 */
export function batchQuery({ source, key, columns, size }: BatchPlan, position: unknown): SqlFragment {
  const name = identifier(key);
  const wanted =
    columns === undefined
      ? rawSql('b.*')
      : rawSql(columns.map((column) => `b.${identifier(column).strings[0] ?? ''}`).join(', '));
  const behind = position === undefined ? rawSql('') : sql` WHERE b.${name} > ${position}`;
  return sql`SELECT b.${name}::pg_catalog.text AS ${identifier(KEY_TEXT)}, ${wanted} FROM (${source}) AS b${behind} ORDER BY b.${name} FETCH FIRST ${rawSql(String(size))} ROWS WITH TIES`;
}

/** How many rows lie behind a position, as `total`. */
export function countQuery({ source, key }: BatchPlan, position: unknown): SqlFragment {
  const behind = position === undefined ? rawSql('') : sql` WHERE b.${identifier(key)} > ${position}`;
  return sql`SELECT pg_catalog.count(*)::pg_catalog.float8 AS total FROM (${source}) AS b${behind}`;
}
