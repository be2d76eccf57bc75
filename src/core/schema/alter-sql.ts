import { sqlLiteral } from '../sql/quote.ts';
import { alterColumn } from './alter-column-sql.ts';
import type { CatalogObject, ObjectField } from './catalog.ts';
import {
  commentTarget,
  createEnum,
  createStatements,
  enabling,
  replicaIdentity,
  rowSecurity,
  sequenceOptions,
} from './create-sql.ts';
import { columnsOfEnum, enumValues, oldEnumName } from './enum-change.ts';
import type { Change } from './operation.ts';
import { changedFields } from './operations.ts';
import { baseName, isTable, splitName } from './schema-model.ts';

/** What makes one object of another that is the same by name. Fields that cannot be altered bring no statement. */
export function alterStatements(before: CatalogObject, after: CatalogObject, change: Change): readonly string[] {
  const fields = new Set(changedFields(before, after));
  const statements = alterByKind(before, after, fields, change);
  if (!fields.has('comment')) return statements;
  const { comment } = after.fields;
  const text = comment === undefined ? 'NULL' : sqlLiteral(comment);
  return [...statements, `COMMENT ON ${commentTarget(after)} IS ${text};`];
}

function alterByKind(
  before: CatalogObject,
  after: CatalogObject,
  fields: ReadonlySet<ObjectField>,
  change: Change,
): readonly string[] {
  if (isTable(after)) return alterTable(before, after, fields);
  switch (after.kind) {
    case 'column':
      return alterColumn(before, after, fields, change);
    case 'enum':
      return fields.has('values') ? alterEnum(before, after, change) : [];
    case 'domain':
      return alterDomain(before, after, fields);
    case 'sequence':
      return alterSequence(before, after, fields);
    case 'function':
    case 'procedure':
      return fields.has('definition') ? createStatements(withoutComment(after), change) : [];
    case 'view':
    case 'materialized view':
      return alterOptions(before, after, after.kind.toUpperCase());
    case 'trigger':
    case 'rule':
      return fields.has('enabled') ? enabling(after, true) : [];
    default:
      return [];
  }
}

function withoutComment(object: CatalogObject): CatalogObject {
  const { comment: _comment, ...fields } = object.fields;
  return { ...object, fields };
}

function alterTable(before: CatalogObject, after: CatalogObject, fields: ReadonlySet<ObjectField>): readonly string[] {
  const { name } = after;
  const alter = `ALTER TABLE ${name}`;
  return [
    ...(fields.has('persistence')
      ? [`${alter} SET ${after.fields.persistence ?? 'logged'};`.toUpperCase().replace(alter.toUpperCase(), alter)]
      : []),
    ...alterOptions(before, after, 'TABLE'),
    ...rowSecurity(after, before.fields['row security']),
    ...(fields.has('replica identity')
      ? after.fields['replica identity'] === undefined
        ? [`${alter} REPLICA IDENTITY DEFAULT;`]
        : replicaIdentity(after)
      : []),
  ];
}

/** Takes a table from its parents, or puts it below those that it has now. */
export function parentStatements(
  act: 'leave' | 'join',
  before: CatalogObject,
  after: CatalogObject,
): readonly string[] {
  const { name } = after;
  const [oldPart, newPart] = [before.fields['partition of'], after.fields['partition of']];
  const [oldBases, newBases] = [inheritedOf(before), inheritedOf(after)];
  if (act === 'leave') {
    const bases = oldBases.filter((base) => !newBases.includes(base));
    return [
      ...(oldPart === undefined || oldPart === newPart
        ? []
        : [`ALTER TABLE ${baseName(oldPart)} DETACH PARTITION ${name};`]),
      ...bases.map((base) => `ALTER TABLE ${name} NO INHERIT ${base};`),
    ];
  }
  const bases = newBases.filter((base) => !oldBases.includes(base));
  return [
    ...(newPart === undefined || oldPart === newPart
      ? []
      : [`ALTER TABLE ${baseName(newPart)} ATTACH PARTITION ${name}${newPart.slice(baseName(newPart).length)};`]),
    ...bases.map((base) => `ALTER TABLE ${name} INHERIT ${base};`),
  ];
}

function inheritedOf({ fields }: CatalogObject): readonly string[] {
  return fields.inherits?.split(', ') ?? [];
}

function alterOptions(before: CatalogObject, after: CatalogObject, what: string): readonly string[] {
  const [old, now] = [optionsOf(before), optionsOf(after)];
  const gone = [...old.keys()].filter((key) => !now.has(key));
  const set = [...now].filter(([key, value]) => old.get(key) !== value).map(([key, value]) => `${key}=${value}`);
  const alter = `ALTER ${what} ${after.name}`;
  return [
    ...(gone.length === 0 ? [] : [`${alter} RESET (${gone.join(', ')});`]),
    ...(set.length === 0 ? [] : [`${alter} SET (${set.join(', ')});`]),
  ];
}

function optionsOf({ fields }: CatalogObject): ReadonlyMap<string, string> {
  const options = fields.options?.split(', ') ?? [];
  return new Map(options.map((option) => [option.split('=')[0] ?? '', option.split('=').slice(1).join('=')]));
}

function alterEnum(before: CatalogObject, after: CatalogObject, change: Change): readonly string[] {
  const [old, now] = [enumValues(before), enumValues(after)];
  if (change.newEnums.has(after.name)) return remakeEnum(before, after, change);
  const added = now.filter((value) => !old.includes(value));
  return [
    `-- The new ${added.length === 1 ? 'value' : 'values'} can be used from the next revision on: PostgreSQL refuses that in the transaction which adds ${added.length === 1 ? 'it' : 'them'}.`,
    ...added.map((value) => {
      const place = now.indexOf(value);
      const where = place === 0 ? `BEFORE ${old[0]}` : `AFTER ${now[place - 1]}`;
      return `ALTER TYPE ${after.name} ADD VALUE ${value}${old.length === 0 && place === 0 ? '' : ` ${where}`};`;
    }),
  ];
}

/** A type of the new values takes the place of the old one, column by column. */
function remakeEnum(before: CatalogObject, after: CatalogObject, change: Change): readonly string[] {
  const { name } = after;
  const gone = enumValues(before).filter((value) => !enumValues(after).includes(value));
  const columns = columnsOfEnum(name, change.before, change.after);
  return [
    ...(gone.length === 0 || columns.length === 0
      ? []
      : [`-- Fails where a row still has ${gone.join(' or ')}: change such rows first, here.`]),
    `ALTER TYPE ${name} RENAME TO ${splitName(oldEnumName(name))[1]};`,
    createEnum(after),
    ...columns.flatMap((column) => {
      const { name: own, of = '', fields } = column;
      const alter = `ALTER TABLE ${of} ALTER COLUMN ${own}`;
      const text = fields.type?.endsWith('[]') === true ? 'text[]' : 'text';
      const fallback = change.after.find(column)?.fields.default;
      return [
        ...(fields.default === undefined ? [] : [`${alter} DROP DEFAULT;`]),
        `${alter} TYPE ${fields.type} USING ${own}::${text}::${fields.type};`,
        ...(fallback === undefined || fields.default === undefined ? [] : [`${alter} SET DEFAULT ${fallback};`]),
      ];
    }),
  ];
}

function alterDomain(before: CatalogObject, after: CatalogObject, fields: ReadonlySet<ObjectField>): readonly string[] {
  const alter = `ALTER DOMAIN ${after.name}`;
  const [old, now] = [checksOf(before), checksOf(after)];
  return [
    ...old
      .filter((check) => !now.includes(check))
      .map((check) => `${alter} DROP CONSTRAINT ${/^CONSTRAINT ("(?:[^"]|"")+"|\S+)/.exec(check)?.[1]};`),
    ...now
      .filter((check) => !old.includes(check))
      .flatMap((check) => ['-- Fails where a row has another value.', `${alter} ADD ${check};`]),
    ...(fields.has('default')
      ? [`${alter} ${after.fields.default === undefined ? 'DROP DEFAULT' : `SET DEFAULT ${after.fields.default}`};`]
      : []),
    ...(fields.has('nullable') ? [`${alter} ${after.fields.nullable === 'no' ? 'SET' : 'DROP'} NOT NULL;`] : []),
  ];
}

function checksOf({ fields }: CatalogObject): readonly string[] {
  return fields.definition?.split(/\n(?=CONSTRAINT )/) ?? [];
}

function alterSequence(
  before: CatalogObject,
  after: CatalogObject,
  fields: ReadonlySet<ObjectField>,
): readonly string[] {
  const alter = `ALTER SEQUENCE ${after.name}`;
  const isOther = fields.has('type') || fields.has('definition');
  const type = before.fields.type === after.fields.type ? '' : `AS ${after.fields.type} `;
  return [
    ...(isOther ? stateInBounds(before, after) : []),
    ...(isOther ? [`${alter} ${type}${sequenceOptions(after, true)};`] : []),
    ...(fields.has('persistence')
      ? [`${alter} SET ${after.fields.persistence === undefined ? 'LOGGED' : 'UNLOGGED'};`]
      : []),
    ...(fields.has('owned by')
      ? [`${alter} OWNED BY ${after.of === undefined ? 'NONE' : `${after.of}.${after.fields['owned by']}`};`]
      : []),
  ];
}

/** ALTER SEQUENCE refuses bounds that its own value is not in. */
function stateInBounds(before: CatalogObject, after: CatalogObject): readonly string[] {
  const [old, now] = [boundsOf(before), boundsOf(after)];
  if (old === undefined || now === undefined) return [];
  if (now.minimum <= old.minimum && now.maximum >= old.maximum) return [];
  const value = `least(greatest(last_value, ${now.minimum}), ${now.maximum})`;
  return [
    '-- Its value has to be within the new bounds.',
    `SELECT setval(${sqlLiteral(after.name)}, ${value}, is_called) FROM ${after.name};`,
  ];
}

function boundsOf({ fields }: CatalogObject): { readonly minimum: bigint; readonly maximum: bigint } | undefined {
  const [, minimum, maximum] = /minimum (\S+) maximum (\S+)/.exec(fields.definition ?? '') ?? [];
  return minimum === undefined || maximum === undefined
    ? undefined
    : { minimum: BigInt(minimum), maximum: BigInt(maximum) };
}
