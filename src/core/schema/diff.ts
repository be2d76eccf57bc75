import { type Catalog, type CatalogObject, type ObjectField, type ObjectKind, objectKey } from './catalog.ts';

/** Which object, without what it is like. */
export type ObjectName = Pick<CatalogObject, 'kind' | 'name' | 'of'>;

/** One difference between a catalog as it is wanted and one as it was found. */
export type Difference =
  /** Wanted, and not there. */
  | { readonly what: 'missing'; readonly object: ObjectName }
  /** There, and not wanted. */
  | { readonly what: 'extra'; readonly object: ObjectName }
  | {
      readonly what: 'changed';
      readonly object: ObjectName;
      readonly field: ObjectField;
      /** Undefined: it does not have the field, or has its default. */
      readonly wanted: string | undefined;
      readonly found: string | undefined;
    };

/**
 * What is to be done to `found` to make it `wanted`, sorted by object; empty: they are equal. Parts of a table that is
 * itself missing or extra are not listed. A table that is another kind of relation now is one missing and one extra.
 *
 * @internal
 */
export function diffCatalogs(wanted: Catalog, found: Catalog): readonly Difference[] {
  return withoutParts(diffEvery(wanted, found));
}

/** As `diffCatalogs`, with every part by itself: how far apart they are. */
export function diffEvery(wanted: Catalog, found: Catalog): readonly Difference[] {
  const [left, right] = [indexed(wanted), indexed(found)];
  const keys = [...new Set([...left.keys(), ...right.keys()])].sort();
  return keys.flatMap((key): readonly Difference[] => {
    const [want, have] = [left.get(key), right.get(key)];
    if (want === undefined) return have === undefined ? [] : [{ what: 'extra', object: nameOf(have) }];
    return have === undefined ? [{ what: 'missing', object: nameOf(want) }] : changesOf(want, have);
  });
}

/** Leaves out what follows from another difference: a column of a table that is missing is missing with it. */
export function withoutParts(differences: readonly Difference[]): readonly Difference[] {
  const wholes = new Set(
    differences.flatMap(({ what, object }) => (WITH_PARTS.has(object.kind) ? [`${what} ${object.name}`] : [])),
  );
  return differences.filter(({ what, object }) => object.of === undefined || !wholes.has(`${what} ${object.of}`));
}

const WITH_PARTS: ReadonlySet<ObjectKind> = new Set([
  'table',
  'partitioned table',
  'foreign table',
  'view',
  'materialized view',
  'composite type',
]);

function indexed(catalog: Catalog): ReadonlyMap<string, CatalogObject> {
  return new Map(catalog.objects.map((object) => [objectKey(object), object]));
}

function nameOf({ kind, name, of }: CatalogObject): ObjectName {
  return { kind, name, of };
}

function changesOf(wanted: CatalogObject, found: CatalogObject): readonly Difference[] {
  const object = nameOf(wanted);
  const fields = [...new Set([...Object.keys(wanted.fields), ...Object.keys(found.fields)])].sort() as ObjectField[];
  return fields.flatMap((field): readonly Difference[] => {
    const [want, have] = [wanted.fields[field], found.fields[field]];
    return want === have ? [] : [{ what: 'changed', object, field, wanted: want, found: have }];
  });
}
