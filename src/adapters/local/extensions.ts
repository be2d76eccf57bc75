import type { Extension } from '@electric-sql/pglite';

/** PostgreSQL's own extensions that PGlite brings; each in a module of the name with `_` for `-`. */
const contrib = new Set([
  'amcheck',
  'auto_explain',
  'bloom',
  'btree_gin',
  'btree_gist',
  'citext',
  'cube',
  'dict_int',
  'dict_xsyn',
  'earthdistance',
  'file_fdw',
  'fuzzystrmatch',
  'hstore',
  'intarray',
  'isn',
  'lo',
  'ltree',
  'pageinspect',
  'pg_buffercache',
  'pg_freespacemap',
  'pg_stat_statements',
  'pg_surgery',
  'pg_trgm',
  'pg_visibility',
  'pg_walinspect',
  'pgcrypto',
  'seg',
  'tablefunc',
  'tcn',
  'tsm_system_rows',
  'tsm_system_time',
  'unaccent',
  'uuid-ossp',
]);

/**
 * Loads PGlite's builds of these extensions, by their SQL names. Names that PGlite has no build of are left out: the
 * server then says itself that the extension is not available.
 */
export async function loadExtensions(names: readonly string[]): Promise<Record<string, Extension>> {
  const loaded = await Promise.all(names.map(async (name) => [name, await loadExtension(name)] as const));
  return Object.fromEntries(loaded.filter((entry): entry is [string, Extension] => entry[1] !== undefined));
}

async function loadExtension(name: string): Promise<Extension | undefined> {
  if (name === 'vector') return (await import('@electric-sql/pglite-pgvector')).vector;
  if (!contrib.has(name)) return undefined;
  const file = name.replaceAll('-', '_');
  const module: Record<string, Extension> = await import(`@electric-sql/pglite/contrib/${file}`);
  return module[file];
}
