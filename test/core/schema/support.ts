import type { CatalogObject, ObjectKind } from '../../../src/core/schema/catalog.ts';

export function object(
  kind: ObjectKind,
  name: string,
  of?: string,
  fields: CatalogObject['fields'] = {},
  owner = of === undefined ? 'owner' : '',
): CatalogObject {
  return { kind, name, of, owner, fields };
}

export function table(name: string, fields: CatalogObject['fields'] = {}): CatalogObject {
  return object('table', name, undefined, fields);
}

export function column(of: string, name: string, fields: CatalogObject['fields'] = { type: 'text' }): CatalogObject {
  return object('column', name, of, fields);
}
