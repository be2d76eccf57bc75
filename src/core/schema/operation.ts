import type { CatalogObject } from './catalog.ts';
import type { SchemaModel } from './schema-model.ts';

/** One thing to do to a database. What it takes as SQL is for `formatChange` to say. */
export type Operation =
  | { readonly act: 'create' | 'drop'; readonly object: CatalogObject }
  /** Gives a sequence to its column, once there are both. */
  | { readonly act: 'own'; readonly object: CatalogObject }
  /** `leave` and `join`: a table's parents; they are others than the columns that it has from them. */
  | { readonly act: 'alter' | 'leave' | 'join'; readonly before: CatalogObject; readonly after: CatalogObject };

/** The way from one schema to another, in the order in which it can be gone. */
export interface Change {
  readonly before: SchemaModel;
  readonly after: SchemaModel;
  readonly operations: readonly Operation[];
  /** Names of enums that have to be made anew, since a value cannot be taken out of one or used at once. */
  readonly newEnums: ReadonlySet<string>;
}
