import type { CatalogObject, ObjectKind } from './catalog.ts';
import { columnsOfEnum } from './enum-change.ts';
import { baseName, isForeignKey, namesIn, type SchemaModel } from './schema-model.ts';

export interface Replacing {
  readonly before: SchemaModel;
  readonly after: SchemaModel;
  /** Changed in a way that only dropping and creating brings about. */
  readonly anew: readonly CatalogObject[];
  readonly gone: readonly CatalogObject[];
  readonly changed: readonly { readonly before: CatalogObject; readonly after: CatalogObject }[];
  readonly newEnums: ReadonlySet<string>;
}

/** What cannot be touched while others are built on it. */
interface Disturbed {
  readonly name: string;
  /** Undefined: it goes as a whole. */
  readonly column: string | undefined;
}

/** What can be dropped and made again without loss. */
const REMADE: ReadonlySet<ObjectKind> = new Set([
  'view',
  'materialized view',
  'rule',
  'trigger',
  'policy',
  'constraint',
  'index',
  'statistics',
  'function',
  'procedure',
]);

/**
 * All that has to be dropped and made again: what changed so, and what is built on that, or on a column or type that
 * PostgreSQL refuses to change under it.
 * @returns objects as they are before
 */
export function closeReplacements(replacing: Replacing): ReadonlySet<CatalogObject> {
  const { before, after, anew } = replacing;
  const replaced = new Set(anew);
  const disturbed = firstDisturbed(replacing);
  const candidates = before.objects.filter((object) => canBeRemade(object) && after.find(object) !== undefined);
  for (let grown = true; grown; ) {
    grown = false;
    for (const object of candidates) {
      if (replaced.has(object) || !isTouched(object, before, replaced, disturbed)) continue;
      replaced.add(object);
      disturbed.push(...disturbedBy(object));
      grown = true;
    }
  }
  for (const object of keysOnto(replacing, replaced)) replaced.add(object);
  return replaced;
}

function canBeRemade({ kind, fields }: CatalogObject): boolean {
  return REMADE.has(kind) || (kind === 'column' && fields.generated !== undefined);
}

function firstDisturbed({ before, after, anew, gone, changed, newEnums }: Replacing): Disturbed[] {
  const columns = gone.filter(({ kind, of }) => kind === 'column' && of !== undefined && after.whole(of) !== undefined);
  const retyped = changed.flatMap((pair) =>
    pair.before.kind === 'column' &&
    (pair.before.fields.type !== pair.after.fields.type || pair.before.fields.collation !== pair.after.fields.collation)
      ? [pair.before]
      : [],
  );
  const ofEnums = [...newEnums].flatMap((name) => columnsOfEnum(name, before, after));
  const routines = gone.filter(({ kind }) => kind === 'function' || kind === 'procedure');
  return [
    ...[...newEnums].map((name) => ({ name, column: undefined })),
    ...[...columns, ...retyped, ...ofEnums, ...anew, ...routines].flatMap(disturbedBy),
  ];
}

function disturbedBy({ kind, name, of }: CatalogObject): readonly Disturbed[] {
  if (kind === 'column') return of === undefined ? [] : [{ name: of, column: name }];
  return of === undefined ? [{ name: baseName(name), column: undefined }] : [];
}

function isTouched(
  object: CatalogObject,
  before: SchemaModel,
  replaced: ReadonlySet<CatalogObject>,
  disturbed: readonly Disturbed[],
): boolean {
  const whole = before.whole(object.of);
  if (whole !== undefined && replaced.has(whole)) return true;
  const text = faceOf(object);
  const names = namesIn(text);
  return disturbed.some(({ name, column }) => {
    if (column === undefined) return names.has(name) && baseName(object.name) !== name;
    // Constraints and indexes are made anew by ALTER COLUMN … TYPE itself, and go with a column that is dropped.
    if (object.kind === 'constraint' || object.kind === 'index' || object.kind === 'statistics') return false;
    if (object.kind === 'column' && object.name === column) return false;
    return (names.has(name) || object.of === name) && mentions(text, column);
  });
}

/** Of a function what it takes and gives: PostgreSQL knows of nothing in a body that is a string. */
export function faceOf({ kind, fields }: CatalogObject): string {
  const text = Object.values({ ...fields, comment: '' }).join('\n');
  if (kind !== 'function' && kind !== 'procedure') return text;
  return text.split(/\nAS (?:\$|')/)[0] ?? text;
}

function mentions(text: string, column: string): boolean {
  const bare = column.startsWith('"') ? column : `(?<![\\w"$])${column.replaceAll('$', '\\$')}(?![\\w"$])`;
  return column.startsWith('"') ? text.includes(column) : new RegExp(bare).test(text);
}

/** Foreign keys onto a primary key or unique constraint that goes and comes back. */
function keysOnto({ before, after, gone }: Replacing, replaced: ReadonlySet<CatalogObject>): readonly CatalogObject[] {
  const targets = [...gone, ...replaced].flatMap(({ kind, of, fields }) => {
    const columns =
      kind === 'constraint' ? /^(?:PRIMARY KEY|UNIQUE[^(]*) (\([^)]*\))/.exec(fields.definition ?? '') : null;
    return columns === null ? [] : [`REFERENCES ${of}${columns[1]}`];
  });
  return before.objects.filter(
    (object) =>
      isForeignKey(object) &&
      after.find(object) !== undefined &&
      targets.some((target) => object.fields.definition?.includes(target)),
  );
}
