/** What a database's catalog holds of the users' own making, as plain data: two databases with equal catalogs are alike. */

export type ObjectKind =
  | 'schema'
  | 'extension'
  | 'table'
  | 'partitioned table'
  | 'foreign table'
  | 'view'
  | 'materialized view'
  | 'sequence'
  | 'column'
  | 'constraint'
  | 'index'
  | 'statistics'
  | 'trigger'
  | 'rule'
  | 'policy'
  | 'function'
  | 'procedure'
  | 'aggregate'
  | 'enum'
  | 'domain'
  | 'composite type'
  | 'range type'
  | 'event trigger'
  /** An operator, a cast, a text search configuration and the like: only whether it is there is known. */
  | 'other';

/** What of an object is compared, each as PostgreSQL itself writes it. */
export type ObjectField =
  | 'type'
  | 'collation'
  | 'default'
  | 'nullable'
  | 'identity'
  | 'generated'
  | 'storage'
  | 'definition'
  | 'options'
  | 'persistence'
  | 'partition key'
  | 'partition of'
  | 'inherits'
  | 'row security'
  | 'replica identity'
  | 'columns'
  | 'values'
  | 'enabled'
  | 'valid'
  | 'owned by'
  | 'comment';

/** A schema, table, column, … of a database. Privileges are left out: see `Catalog`. */
export interface CatalogObject {
  readonly kind: ObjectKind;
  /** As SQL names it, with its schema: `public.users`, `public.touch(integer)`; of a part of a table its name alone. */
  readonly name: string;
  /** The table or view, type or sequence's table that it is a part of, as SQL names it; undefined: it stands by itself. */
  readonly of: string | undefined;
  /** The role that owns it; of a part of a table the empty text. Not compared: roles are the server's, not the revisions'. */
  readonly owner: string;
  /** A field that does not apply, or has its default, is left out. */
  readonly fields: Readonly<Partial<Record<ObjectField, string>>>;
}

/**
 * All of them, without what the system, extensions and orch brought.
 * Owners are known but not compared, and privileges are left out: both name roles, which belong to the server and differ
 * with the environment, and the rights of the application roles are given by the config's prerequisites, not by revisions.
 * Left out too: data, the state of sequences, statistics, tablespaces, what an extension's version changes.
 */
export interface Catalog {
  readonly objects: readonly CatalogObject[];
}

/** How an object is told from others: by its kind, its place and its name. */
export function objectKey({ kind, of, name }: Pick<CatalogObject, 'kind' | 'of' | 'name'>): string {
  return JSON.stringify([of ?? name, of === undefined ? '' : kind, name, kind]);
}
