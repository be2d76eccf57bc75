import type { Catalog, CatalogObject, ObjectField, ObjectKind } from './catalog.ts';
import { enumChanges } from './enum-change.ts';
import type { Change } from './operation.ts';
import { orderOperations } from './operation-order.ts';
import { closeReplacements } from './replacements.ts';
import { isForeignKey, isTable, SchemaModel } from './schema-model.ts';

/** What stays what it is for PostgreSQL only as it was made: another definition is another object. */
const MADE_ANEW: ReadonlySet<ObjectKind> = new Set([
  'view',
  'materialized view',
  'constraint',
  'index',
  'statistics',
  'trigger',
  'rule',
  'policy',
]);

/** Kinds that nothing is written for; `left to you` tells of them. */
const UNWRITTEN: ReadonlySet<ObjectKind> = new Set(['foreign table', 'aggregate', 'event trigger', 'other']);

/** Operations from one schema to another, ordered by what depends on what. Equal schemas: none. */
export function planChange(from: Catalog, to: Catalog): Change {
  const [before, after] = [new SchemaModel(from), new SchemaModel(to)];
  const { newEnums, ...enums } = enumChanges(before, after);
  const kept = before.objects.flatMap((object) => {
    const other = after.find(object);
    return other === undefined ? [] : [{ before: object, after: other }];
  });
  const changed = kept.filter((pair) => changedFields(pair.before, pair.after).length > 0);
  const anew = changed.filter(isMadeAnew).map((pair) => pair.before);
  const gone = before.objects.filter((object) => after.find(object) === undefined);
  const replaced = closeReplacements({ before, after, anew, gone, changed, newEnums });
  const drops = [...gone, ...replaced].filter((object) => isDropped(object, before, after, replaced));
  const creates = [
    ...after.objects.filter((object) => before.find(object) === undefined),
    ...[...replaced].flatMap((object) => after.find(object) ?? []),
  ].filter((object) => isCreated(object, before, after));
  const alters = changed.filter((pair) => !replaced.has(pair.before) && isAltered(pair, before, after));
  const operations = orderOperations({
    before,
    after,
    drops: [...drops, ...enums.old],
    alters: [...alters, ...enums.untouched.filter((pair) => !changed.some((one) => one.before === pair.before))],
    creates,
  });
  return { before, after, operations, newEnums };
}

/** Fields that differ, without the order of columns, which no statement changes. */
export function changedFields(before: CatalogObject, after: CatalogObject): readonly ObjectField[] {
  const fields = new Set([...Object.keys(before.fields), ...Object.keys(after.fields)] as ObjectField[]);
  fields.delete('columns');
  return [...fields].filter((field) => before.fields[field] !== after.fields[field]);
}

function isMadeAnew({ before, after }: { readonly before: CatalogObject; readonly after: CatalogObject }): boolean {
  const fields = changedFields(before, after);
  if (before.kind === 'function' || before.kind === 'procedure') return hasOtherFace(before, after);
  // An expression cannot be changed, nor be given to a column, before PostgreSQL 17; it can be taken away.
  if (before.kind === 'column') return fields.includes('generated') && after.fields.generated !== undefined;
  return MADE_ANEW.has(before.kind) && fields.some((field) => field === 'definition' || field === 'persistence');
}

/** CREATE OR REPLACE cannot change what a function gives, nor the names of what it takes. */
function hasOtherFace(before: CatalogObject, after: CatalogObject): boolean {
  const face = ({ fields }: CatalogObject): string => {
    const [first = '', second = ''] = (fields.definition ?? '').split('\n');
    return `${first}\n${second.startsWith(' RETURNS') ? second : ''}`;
  };
  return face(before) !== face(after);
}

function isDropped(
  object: CatalogObject,
  before: SchemaModel,
  after: SchemaModel,
  replaced: ReadonlySet<CatalogObject>,
): boolean {
  if (UNWRITTEN.has(object.kind)) return false;
  if (isFromParent(object, before, after) || before.isColumnsOwn(object)) return false;
  if (object.of === undefined) return true;
  const whole = before.whole(object.of);
  if (whole !== undefined && (after.find(whole) === undefined || replaced.has(whole))) return false;
  // A sequence goes with the column that owns it.
  return object.kind !== 'sequence' || after.column(object.of, object.fields['owned by']) !== undefined;
}

function isCreated(object: CatalogObject, before: SchemaModel, after: SchemaModel): boolean {
  if (UNWRITTEN.has(object.kind)) return false;
  if (isFromParent(object, after, before) || after.isColumnsOwn(object)) return false;
  const whole = after.whole(object.of);
  if (whole === undefined || before.find(whole) !== undefined) return true;
  // CREATE TABLE has the columns in it, and those constraints that need no other table.
  if (object.kind === 'column') return false;
  return object.kind !== 'constraint' || isForeignKey(object) || !isInline(object, after);
}

/** True for what comes and goes with the same of a table's parents: unless the table has other parents in the other schema. */
function isFromParent(object: CatalogObject, own: SchemaModel, other: SchemaModel): boolean {
  if (!own.isInherited(object) || object.of === undefined) return false;
  const parents = other.parentsOf(object.of);
  return other.whole(object.of) === undefined || own.parentsOf(object.of).every((parent) => parents.includes(parent));
}

/** True for a constraint that stands in CREATE TABLE. */
export function isInline(constraint: CatalogObject, model: SchemaModel): boolean {
  const whole = model.whole(constraint.of);
  const isPlain = whole !== undefined && isTable(whole) && whole.fields['partition of'] === undefined;
  return isPlain && !isForeignKey(constraint) && !constraint.fields.definition?.endsWith('NOT VALID');
}

function isAltered(
  pair: { readonly before: CatalogObject; readonly after: CatalogObject },
  before: SchemaModel,
  after: SchemaModel,
): boolean {
  if (UNWRITTEN.has(pair.before.kind)) return false;
  if (pair.before.kind === 'sequence' && before.isColumnsOwn(pair.before) !== after.isColumnsOwn(pair.after)) {
    return !after.isColumnsOwn(pair.after);
  }
  return !(before.isInherited(pair.before) && after.isInherited(pair.after));
}
