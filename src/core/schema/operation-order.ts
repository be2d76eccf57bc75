import type { CatalogObject, ObjectKind } from './catalog.ts';
import type { Operation } from './operation.ts';
import { faceOf } from './replacements.ts';
import { baseName, isForeignKey, isTable, namesIn, type SchemaModel } from './schema-model.ts';

interface Unordered {
  readonly before: SchemaModel;
  readonly after: SchemaModel;
  readonly drops: readonly CatalogObject[];
  readonly alters: readonly { readonly before: CatalogObject; readonly after: CatalogObject }[];
  readonly creates: readonly CatalogObject[];
}

/** Where an operation stands among others that it has nothing to do with. */
const RANKS: Readonly<Record<ObjectKind, number>> = {
  schema: 0,
  extension: 1,
  enum: 2,
  'range type': 2,
  'composite type': 3,
  domain: 4,
  sequence: 5,
  table: 6,
  'partitioned table': 6,
  'foreign table': 6,
  column: 7,
  constraint: 9,
  index: 10,
  statistics: 10,
  function: 12,
  procedure: 12,
  aggregate: 12,
  view: 13,
  'materialized view': 13,
  rule: 14,
  trigger: 15,
  policy: 16,
  'event trigger': 17,
  other: 17,
};
const OWN_RANK = 8;
/** A table needs its parents' columns and constraints before it can be put below them. */
const JOIN_RANK = 9.5;
const FOREIGN_KEY_RANK = 11;

/** Dropped last: columns that stay may have been of that type, or taken their default from it, until they were altered. */
const LATE: ReadonlySet<ObjectKind> = new Set([
  'schema',
  'extension',
  'enum',
  'range type',
  'composite type',
  'domain',
  'sequence',
]);

/** What is dropped first, from the dependants on; then what is made and altered, dependants last; then what only that set free. */
export function orderOperations({ before, after, drops, alters, creates }: Unordered): readonly Operation[] {
  const droppings = sortByNeeds(
    drops.map((object): Operation => ({ act: 'drop', object })),
    before,
  ).toReversed();
  const altered = alters.map((pair) => pair.before);
  const isLate = (operation: Operation): boolean => {
    const object = objectOf(operation);
    return LATE.has(object.kind) || isHeld(object, altered);
  };
  const moved = alters.filter((pair) => isTable(pair.after) && hasOtherParents(pair.before, pair.after));
  const owned = creates.filter(({ kind, of }) => kind === 'sequence' && of !== undefined);
  const makings = sortByNeeds(
    [
      ...alters.map((pair): Operation => ({ act: 'alter', ...pair })),
      ...creates.map((object): Operation => ({ act: 'create', object })),
      ...owned.map((object): Operation => ({ act: 'own', object })),
      ...moved.map((pair): Operation => ({ act: 'join', ...pair })),
    ],
    after,
  );
  const early = droppings.filter((operation) => !isLate(operation));
  const leaves = moved.map((pair): Operation => ({ act: 'leave', ...pair }));
  return [...leaves, ...loosened(early, before), ...makings, ...droppings.filter(isLate)];
}

function hasOtherParents({ fields: old }: CatalogObject, { fields: now }: CatalogObject): boolean {
  return old['partition of'] !== now['partition of'] || old.inherits !== now.inherits;
}

/** True for a function that the default of a column uses until that is altered. */
function isHeld({ kind, name }: CatalogObject, altered: readonly CatalogObject[]): boolean {
  if (kind !== 'function') return false;
  return altered.some((object) => object.kind === 'column' && namesIn(faceOf(object)).has(baseName(name)));
}

/** Tables that refer to each other in a circle can be dropped only once a foreign key is gone. */
function loosened(drops: readonly Operation[], before: SchemaModel): readonly Operation[] {
  const places = new Map(drops.map((operation, at) => [objectOf(operation).name, at]));
  const keys = drops.flatMap((operation, at) => {
    const object = objectOf(operation);
    if (!isTable(object)) return [];
    return before.partsOf(object.name, 'constraint').filter((constraint) => {
      const [referred = ''] = isForeignKey(constraint) ? namesIn(referredPart(constraint)) : [];
      return referred !== object.name && (places.get(referred) ?? Number.POSITIVE_INFINITY) < at;
    });
  });
  return [...keys.map((object): Operation => ({ act: 'drop', object })), ...drops];
}

function referredPart({ fields }: CatalogObject): string {
  return fields.definition?.split(' REFERENCES ')[1] ?? '';
}

export function objectOf(operation: Operation): CatalogObject {
  return 'object' in operation ? operation.object : operation.after;
}

/** By rank and name, but nothing before what it needs. */
function sortByNeeds(operations: readonly Operation[], model: SchemaModel): readonly Operation[] {
  const sorted = operations.toSorted((left, right) => rankOf(left) - rankOf(right) || compareNames(left, right));
  const byName = new Map<string, Operation[]>();
  for (const operation of sorted) {
    if (operation.act === 'join') continue;
    const { kind, of, name } = objectOf(operation);
    // Who needs a table needs its columns as they will be.
    const provides =
      of !== undefined && kind === 'column' ? of : of === undefined || kind === 'sequence' ? baseName(name) : undefined;
    if (provides !== undefined) byName.set(provides, [...(byName.get(provides) ?? []), operation]);
  }
  const done = new Set<Operation>();
  const result: Operation[] = [];
  const visit = (operation: Operation): void => {
    if (done.has(operation)) return;
    done.add(operation);
    for (const name of needsOf(operation, model)) for (const needed of byName.get(name) ?? []) visit(needed);
    result.push(operation);
  };
  for (const operation of sorted) visit(operation);
  return result;
}

function rankOf(operation: Operation): number {
  if (operation.act === 'own') return OWN_RANK;
  if (operation.act === 'join') return JOIN_RANK;
  const object = objectOf(operation);
  return isForeignKey(object) ? FOREIGN_KEY_RANK : RANKS[object.kind];
}

function compareNames(left: Operation, right: Operation): number {
  const name = (operation: Operation): string => `${objectOf(operation).of ?? ''} ${objectOf(operation).name}`;
  return name(left) < name(right) ? -1 : 1;
}

/** Names that an operation's text mentions; a table's own are those of its columns and constraints too. */
function needsOf(operation: Operation, model: SchemaModel): ReadonlySet<string> {
  const object = objectOf(operation);
  const texts = [needText(object, operation)];
  if (isTable(object) || object.kind === 'composite type') {
    for (const kind of ['column', 'constraint'] as const) {
      texts.push(...model.partsOf(object.name, kind).map((part) => partText(part, operation)));
    }
  }
  const names = new Set(namesIn(texts.join('\n')));
  if (object.of !== undefined && (object.kind !== 'sequence' || operation.act === 'own')) names.add(object.of);
  const [schema] = [/^(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)(?=\.)/.exec(object.of ?? object.name)?.[0]];
  if (schema !== undefined) names.add(schema);
  names.delete(baseName(object.name));
  return names;
}

function partText(part: CatalogObject, { act }: Operation): string {
  // A foreign key is made by itself, when all tables are there; but it goes with its table.
  return isForeignKey(part) && act !== 'drop' ? '' : faceOf(part);
}

/** The body of an SQL function is read when it is made. */
function needText(object: CatalogObject, { act }: Operation): string {
  const { definition = '' } = object.fields;
  if (object.kind === 'function' && act === 'create' && /\n LANGUAGE sql\n/.test(definition)) return definition;
  return faceOf(object);
}
