import type { CatalogObject, ObjectField } from './catalog.ts';
import { identityPart, storageOf } from './create-sql.ts';
import { columnsOfEnum } from './enum-change.ts';
import type { Change } from './operation.ts';

/** What makes a column another one; an expression that changes makes it a new column, which is not said here. */
export function alterColumn(
  before: CatalogObject,
  after: CatalogObject,
  fields: ReadonlySet<ObjectField>,
  change: Change,
): readonly string[] {
  const { name, of = '' } = after;
  if (change.after.whole(of)?.kind === 'composite type') return alterAttribute(after, fields);
  const alter = `ALTER TABLE ${of} ALTER COLUMN ${name}`;
  const isRetyped = fields.has('type') || fields.has('collation');
  const [old, now] = [before.fields, after.fields];
  const hadDefault = old.default !== undefined && (fields.has('default') || isRetyped);
  const isDone = isEnumsDefault(after, change);
  return [
    ...(fields.has('identity') && now.identity === undefined ? [`${alter} DROP IDENTITY;`] : []),
    ...(fields.has('generated') && now.generated === undefined ? [`${alter} DROP EXPRESSION;`] : []),
    ...(hadDefault && !isDone && (isRetyped || now.default === undefined) ? [`${alter} DROP DEFAULT;`] : []),
    ...(isRetyped ? retype(before, after) : []),
    ...(now.default !== undefined && !isDone && (fields.has('default') || isRetyped)
      ? [`${alter} SET DEFAULT ${now.default};`]
      : []),
    ...nullability(after, fields),
    ...alterIdentity(before, after, fields, change),
    ...keeping(before, after, fields),
  ];
}

/** The default was written with the enum that was made anew. */
function isEnumsDefault(column: CatalogObject, { before, after, newEnums }: Change): boolean {
  const name = column.fields.type?.replace(/\[\]$/, '') ?? '';
  if (!newEnums.has(name)) return false;
  const found = columnsOfEnum(name, before, after).find((one) => one.of === column.of && one.name === column.name);
  return found?.fields.default !== undefined;
}

function alterAttribute(
  { name, of = '', fields: now }: CatalogObject,
  fields: ReadonlySet<ObjectField>,
): readonly string[] {
  if (!fields.has('type') && !fields.has('collation')) return [];
  const collation = now.collation === undefined ? '' : ` COLLATE ${now.collation}`;
  return [`ALTER TYPE ${of} ALTER ATTRIBUTE ${name} TYPE ${now.type}${collation};`];
}

function retype(before: CatalogObject, after: CatalogObject): readonly string[] {
  const { name, of = '', fields } = after;
  const [from, to] = [before.fields.type ?? '', fields.type ?? ''];
  const collation = fields.collation === undefined ? '' : ` COLLATE ${fields.collation}`;
  const alter = `ALTER TABLE ${of} ALTER COLUMN ${name} TYPE ${to}${collation}`;
  if (isWider(from, to)) return [`${alter};`];
  const loss = `-- MAY LOSE DATA: fails, or cuts values off, where ${of}.${name} (${from}) holds what ${to} can't.`;
  if (isCastAlone(from, to)) return [loss, `${alter};`];
  return [
    loss,
    `-- PostgreSQL does not cast ${from} to ${to} by itself: see whether this USING is what you mean.`,
    `${alter} USING ${name}${STRINGS.has(readType(from).name) ? '' : '::text'}::${to};`,
  ];
}

const WHOLE: readonly string[] = ['smallint', 'integer', 'bigint', 'numeric'];
const REAL: readonly string[] = ['real', 'double precision'];

interface Type {
  readonly name: string;
  /** Of `numeric(10,2)` the 10; infinite where there is none. */
  readonly size: number;
  readonly scale: number;
}

function readType(text: string): Type {
  const [, size, scale] = /\((\d+)(?:,(\d+))?\)/.exec(text) ?? [];
  const name = text.replace(/\([\d,]+\)/, '');
  return {
    name,
    size: size === undefined ? Number.POSITIVE_INFINITY : Number(size),
    scale: size === undefined ? Number.POSITIVE_INFINITY : Number(scale ?? 0),
  };
}

/** True: every value of the one is a value of the other, and PostgreSQL casts it by itself. */
function isWider(from: string, to: string): boolean {
  const [old, now] = [readType(from), readType(to)];
  if (from === to || now.name === 'text') return !from.endsWith('[]') || from === to;
  if (now.name === 'character varying') {
    return (old.name === now.name || old.name === 'character' || old.name === 'text') && now.size >= old.size;
  }
  if (old.name === 'numeric' && now.name === 'numeric') {
    return (
      (now.scale >= old.scale && now.size - now.scale >= old.size - old.scale) || now.size === Number.POSITIVE_INFINITY
    );
  }
  return [WHOLE, REAL].some(
    (family) =>
      family.includes(old.name) &&
      family.indexOf(now.name) > family.indexOf(old.name) &&
      now.size === Number.POSITIVE_INFINITY,
  );
}

const FAMILIES: readonly (readonly string[])[] = [
  [...WHOLE, ...REAL],
  ['date', 'timestamp without time zone', 'timestamp with time zone'],
  ['json', 'jsonb'],
];

const STRINGS: ReadonlySet<string> = new Set(['text', 'character varying', 'character']);

/** True: there is a cast that PostgreSQL uses without being told. Whatever it is, it can be written as text. */
function isCastAlone(from: string, to: string): boolean {
  const [old, now] = [readType(from).name, readType(to).name];
  if (old === now || STRINGS.has(now)) return true;
  return FAMILIES.some((family) => family.includes(old) && family.includes(now));
}

function nullability(
  { name, of = '', fields: now }: CatalogObject,
  fields: ReadonlySet<ObjectField>,
): readonly string[] {
  if (!fields.has('nullable')) return [];
  const alter = `ALTER TABLE ${of} ALTER COLUMN ${name}`;
  if (now.nullable !== 'no') return [`${alter} DROP NOT NULL;`];
  return [`-- Fails where a row has NULL: fill it first.`, `${alter} SET NOT NULL;`];
}

function alterIdentity(
  before: CatalogObject,
  after: CatalogObject,
  fields: ReadonlySet<ObjectField>,
  change: Change,
): readonly string[] {
  const { identity } = after.fields;
  if (!fields.has('identity') || identity === undefined) return [];
  const alter = `ALTER TABLE ${after.of} ALTER COLUMN ${after.name}`;
  if (before.fields.identity !== undefined) return [`${alter} SET GENERATED ${identity.toUpperCase()};`];
  return [
    `-- It counts from its start: set it above the values that are there, with setval(pg_get_serial_sequence(…), …).`,
    `${alter} ADD ${identityPart(after, change.after)};`,
  ];
}

function keeping(before: CatalogObject, after: CatalogObject, fields: ReadonlySet<ObjectField>): readonly string[] {
  if (!fields.has('storage') && !fields.has('options')) return [];
  const alter = `ALTER TABLE ${after.of} ALTER COLUMN ${after.name}`;
  const gone = (before.fields.options ?? '')
    .split(', ')
    .filter((option) => option !== '' && !(after.fields.options ?? '').split(', ').includes(option))
    .map((option) => option.split('=')[0]);
  return [
    ...(fields.has('storage') && after.fields.storage === undefined ? [`${alter} SET STORAGE DEFAULT;`] : []),
    ...(gone.length === 0 ? [] : [`${alter} RESET (${gone.join(', ')});`]),
    ...storageOf(after),
  ];
}
