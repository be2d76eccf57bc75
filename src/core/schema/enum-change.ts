import type { CatalogObject } from './catalog.ts';
import type { SchemaModel } from './schema-model.ts';
import { splitName } from './schema-model.ts';

/** The values of an enum, as literals in its order. */
export function enumValues({ fields }: CatalogObject): readonly string[] {
  return fields.values?.match(/E?'(?:[^']|'')*'/g) ?? [];
}

/** The name that an enum has while the one that takes its place is made. */
export function oldEnumName(name: string): string {
  const [schema, own] = splitName(name);
  const bare = own.startsWith('"') ? own.slice(1, -1) : own;
  // Names are cut at 63 bytes; the mark must not be what is cut.
  const cut = [...bare.replaceAll('""', '"')].slice(0, 40).join('').replaceAll('"', '""');
  return `${schema}."${cut}__old"`;
}

interface EnumChanges {
  readonly newEnums: ReadonlySet<string>;
  /** What is left under their old names, to be dropped once nothing uses it. */
  readonly old: readonly CatalogObject[];
  /** Enums whose values are other ones now. */
  readonly untouched: readonly { readonly before: CatalogObject; readonly after: CatalogObject }[];
}

/** Which enums can be added to, and which have to be made anew. */
export function enumChanges(before: SchemaModel, after: SchemaModel): EnumChanges {
  const pairs = before.objects.flatMap((object) => {
    const other = object.kind === 'enum' ? after.find(object) : undefined;
    return other === undefined || other.fields.values === object.fields.values
      ? []
      : [{ before: object, after: other }];
  });
  const anew = pairs.filter((pair) => !canBeAddedTo(pair, before, after));
  return {
    newEnums: new Set(anew.map((pair) => pair.before.name)),
    old: anew.map((pair) => ({ ...pair.before, name: oldEnumName(pair.before.name), fields: {} })),
    untouched: pairs,
  };
}

function canBeAddedTo(
  pair: { readonly before: CatalogObject; readonly after: CatalogObject },
  before: SchemaModel,
  after: SchemaModel,
): boolean {
  const [old, now] = [enumValues(pair.before), enumValues(pair.after)];
  const stay = now.filter((value) => old.includes(value));
  if (stay.length < old.length || stay.some((value, index) => value !== old[index])) return false;
  const uses = now.filter((value) => !old.includes(value)).map((value) => `${value}::${pair.after.name}`);
  // A value cannot be used in the transaction that adds it to an enum that was there before (55P04).
  return !after.objects.some((object) => {
    const text = Object.values(object.fields).join('\n');
    const had = Object.values(before.find(object)?.fields ?? {}).join('\n');
    return text !== had && uses.some((use) => text.includes(use));
  });
}

/** Columns of the enum, or of arrays of it, that keep that type. */
export function columnsOfEnum(name: string, before: SchemaModel, after: SchemaModel): readonly CatalogObject[] {
  const types = [name, `${name}[]`];
  return before.objects.filter(
    (object) =>
      object.kind === 'column' &&
      types.includes(object.fields.type ?? '') &&
      object.fields.generated === undefined &&
      after.find(object)?.fields.type === object.fields.type &&
      !before.isInherited(object),
  );
}
