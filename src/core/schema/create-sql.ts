import { sqlLiteral } from '../sql/quote.ts';
import type { CatalogObject } from './catalog.ts';
import { enumValues } from './enum-change.ts';
import type { Change } from './operation.ts';
import { isInline } from './operations.ts';
import { hasGivenName, isPlainSequence, isTable, type SchemaModel, splitName } from './schema-model.ts';

/** What makes an object, with its parts that are made in the same statement, and its comments. */
export function createStatements(object: CatalogObject, change: Change): readonly string[] {
  const statements = isTable(object) ? createTable(object, change.after) : createOne(object, change);
  return [...statements, ...commentOn(object)];
}

/** `COMMENT ON …`; nothing where there is no comment. */
function commentOn(object: CatalogObject): readonly string[] {
  const { comment } = object.fields;
  return comment === undefined ? [] : [`COMMENT ON ${commentTarget(object)} IS ${sqlLiteral(comment)};`];
}

const WORDS: Partial<Record<CatalogObject['kind'], string>> = {
  'partitioned table': 'TABLE',
  enum: 'TYPE',
  'composite type': 'TYPE',
  'range type': 'TYPE',
};

/** As COMMENT ON and DROP name an object. */
export function commentTarget({ kind, name, of = '' }: CatalogObject): string {
  const word = WORDS[kind] ?? kind.toUpperCase();
  if (kind === 'column') return `${word} ${of}.${name}`;
  if (kind === 'index') return `${word} ${splitName(of)[0]}.${name}`;
  const isOnTable = kind === 'constraint' || kind === 'trigger' || kind === 'rule' || kind === 'policy';
  return isOnTable ? `${word} ${name} ON ${of}` : `${word} ${name}`;
}

function createOne(object: CatalogObject, change: Change): readonly string[] {
  const { kind, name, of = '', fields } = object;
  const { definition = '' } = fields;
  switch (kind) {
    case 'schema':
      return [`CREATE SCHEMA ${name};`];
    case 'extension':
      return [`CREATE EXTENSION IF NOT EXISTS ${name};`];
    case 'enum':
      return [createEnum(object)];
    case 'domain':
      return [`${words(`CREATE DOMAIN ${name} AS ${fields.type}`, ...domainParts(object))};`];
    case 'composite type':
      return createComposite(object, change.after);
    case 'range type':
      return [`CREATE TYPE ${name} AS RANGE (SUBTYPE = ${fields.type});`];
    case 'sequence':
      return [`${words(`CREATE${unlogged(object)} SEQUENCE ${name} AS ${fields.type}`, sequenceOptions(object))};`];
    case 'column':
      return addColumn(object, change.after);
    case 'constraint':
      return [`ALTER TABLE ${of} ADD CONSTRAINT ${name} ${definition};`];
    case 'index':
      // On a partitioned table PostgreSQL writes out an index without those of the partitions.
      return [`${definition.replace(' ON ONLY ', ' ON ')};`];
    case 'view':
    case 'materialized view':
      return [`CREATE ${kind.toUpperCase()} ${name}${withOptions(object)} AS\n${definition.trimEnd()}`];
    case 'trigger':
    case 'rule':
      return [`${definition.replace(/;$/, '')};`, ...enabling(object)];
    case 'policy':
      return [`CREATE POLICY ${name} ON ${of} AS ${definition};`];
    default:
      return [`${definition.trimEnd()};`];
  }
}

function words(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}

function unlogged({ fields }: CatalogObject): string {
  return fields.persistence === 'unlogged' ? ' UNLOGGED' : '';
}

function withOptions({ fields }: CatalogObject): string {
  return fields.options === undefined ? '' : ` WITH (${fields.options})`;
}

export function createEnum({ name, ...rest }: CatalogObject): string {
  return `CREATE TYPE ${name} AS ENUM (${enumValues({ name, ...rest }).join(', ')});`;
}

function domainParts({ fields }: CatalogObject): readonly string[] {
  return [
    fields.collation === undefined ? '' : `COLLATE ${fields.collation}`,
    fields.default === undefined ? '' : `DEFAULT ${fields.default}`,
    fields.nullable === 'no' ? 'NOT NULL' : '',
    fields.definition?.replaceAll('\n', ' ') ?? '',
  ];
}

function createComposite(object: CatalogObject, model: SchemaModel): readonly string[] {
  const columns = model.columnsOf(object);
  const lines = columns.map(({ name, fields }) => `  ${words(`${name} ${fields.type}`, collate(fields.collation))}`);
  return [`CREATE TYPE ${object.name} AS (\n${lines.join(',\n')}\n);`, ...columns.flatMap(commentOn)];
}

function collate(collation: string | undefined): string {
  return collation === undefined ? '' : `COLLATE ${collation}`;
}

/** `START WITH 1 INCREMENT BY 1 …`; empty where all of it is as usual. */
export function sequenceOptions(object: CatalogObject, all = false): string {
  if (!all && isPlainSequence({ ...object, fields: { ...object.fields, comment: undefined } as never })) return '';
  const pattern = /^start (\S+) increment (\S+) minimum (\S+) maximum (\S+) cache (\S+)( cycle)?$/;
  const [, start, increment, minimum, maximum, cache, cycle] = pattern.exec(object.fields.definition ?? '') ?? [];
  const cycles = cycle === undefined ? (all ? 'NO CYCLE' : '') : 'CYCLE';
  return words(
    `START WITH ${start} INCREMENT BY ${increment} MINVALUE ${minimum} MAXVALUE ${maximum} CACHE ${cache}`,
    cycles,
  );
}

function createTable(table: CatalogObject, model: SchemaModel): readonly string[] {
  const { name, fields } = table;
  const columns = model.columnsOf(table).filter((column) => !model.isInherited(column));
  const constraints = model
    .partsOf(name, 'constraint')
    .filter((constraint) => isInline(constraint, model) && !model.isInherited(constraint));
  const lines = [
    ...columns.map((column) => columnLine(column, model)),
    ...constraints.map((constraint) => `CONSTRAINT ${constraint.name} ${constraint.fields.definition}`),
  ];
  const list = lines.length === 0 ? '()' : `(\n${lines.map((line) => `  ${line}`).join(',\n')}\n)`;
  const partition = fields['partition of'];
  const head = `CREATE${unlogged(table)} TABLE ${name}`;
  const own =
    partition === undefined
      ? words(`${head} ${list}`, fields.inherits === undefined ? '' : `INHERITS (${fields.inherits})`)
      : `${head} PARTITION OF ${partition}`;
  const key = fields['partition key'];
  return [
    `${words(own, key === undefined ? '' : `PARTITION BY ${key}`)}${withOptions(table)};`,
    ...rowSecurity(table, undefined),
    ...replicaIdentity(table),
    ...[...columns, ...constraints].flatMap(commentOn),
    ...columns.flatMap((column) => storageOf(column)),
  ];
}

/** What a column is in CREATE TABLE and ADD COLUMN. */
function columnLine(column: CatalogObject, model: SchemaModel): string {
  const { name, fields } = column;
  const serial = model.serialType(column);
  if (serial !== undefined) return `${name} ${serial}`;
  const generated = fields.generated?.replace(/^(stored|virtual) (.*)$/s, (_, how: string, expression: string) => {
    return `GENERATED ALWAYS AS (${expression}) ${how.toUpperCase()}`;
  });
  return words(
    `${name} ${fields.type}`,
    collate(fields.collation),
    fields.default === undefined ? '' : `DEFAULT ${fields.default}`,
    generated ?? '',
    identityPart(column, model),
    fields.nullable === 'no' && fields.identity === undefined ? 'NOT NULL' : '',
  );
}

/** `GENERATED … AS IDENTITY`, with the sequence's own name and options where they are not the usual ones. */
export function identityPart(column: CatalogObject, model: SchemaModel): string {
  const { identity } = column.fields;
  if (identity === undefined) return '';
  const sequence = model.ownedSequence(column);
  const name = sequence === undefined || hasGivenName(sequence) ? '' : `SEQUENCE NAME ${sequence.name}`;
  const options = words(name, sequence === undefined ? '' : sequenceOptions(sequence));
  return `GENERATED ${identity.toUpperCase()} AS IDENTITY${options === '' ? '' : ` (${options})`}`;
}

function addColumn(column: CatalogObject, model: SchemaModel): readonly string[] {
  const { name, of = '', fields } = column;
  if (model.whole(of)?.kind === 'composite type') {
    return [`ALTER TYPE ${of} ADD ATTRIBUTE ${words(`${name} ${fields.type}`, collate(fields.collation))};`];
  }
  const isFilled = fields.default !== undefined || fields.identity !== undefined || fields.generated !== undefined;
  return [
    ...(fields.nullable === 'no' && !isFilled
      ? [`-- Fails where ${of} has rows: give it a DEFAULT, or fill it before SET NOT NULL.`]
      : []),
    `ALTER TABLE ${of} ADD COLUMN ${columnLine(column, model)};`,
    ...storageOf(column),
  ];
}

/** How a column is kept, where that is not as usual for its type. */
export function storageOf({ name, of = '', fields }: CatalogObject): readonly string[] {
  const { storage, options } = fields;
  return [
    ...(storage === undefined ? [] : [`ALTER TABLE ${of} ALTER COLUMN ${name} SET STORAGE ${storage.toUpperCase()};`]),
    ...(options === undefined ? [] : [`ALTER TABLE ${of} ALTER COLUMN ${name} SET (${options});`]),
  ];
}

/** From `before` (undefined: off). */
export function rowSecurity({ name, fields }: CatalogObject, before: string | undefined): readonly string[] {
  const wanted = fields['row security'];
  if (wanted === before) return [];
  const alter = (what: string): string => `ALTER TABLE ${name} ${what} ROW LEVEL SECURITY;`;
  return [
    ...(before === undefined ? [alter('ENABLE')] : wanted === undefined ? [alter('DISABLE')] : []),
    ...(wanted === 'forced' ? [alter('FORCE')] : before === 'forced' ? [alter('NO FORCE')] : []),
  ];
}

/** Identity by an index has to wait for that: it is left to the author. */
export function replicaIdentity({ name, fields }: CatalogObject): readonly string[] {
  const how = fields['replica identity'];
  return how === 'full' || how === 'nothing' ? [`ALTER TABLE ${name} REPLICA IDENTITY ${how.toUpperCase()};`] : [];
}

const ENABLING: Readonly<Record<string, string>> = {
  no: 'DISABLE',
  replica: 'ENABLE REPLICA',
  always: 'ENABLE ALWAYS',
};

/** Whether a trigger or rule works; `always`: say it even where that is as usual. */
export function enabling({ kind, name, of = '', fields }: CatalogObject, always = false): readonly string[] {
  const word = ENABLING[fields.enabled ?? ''] ?? (always ? 'ENABLE' : undefined);
  return word === undefined ? [] : [`ALTER TABLE ${of} ${word} ${kind.toUpperCase()} ${name};`];
}
