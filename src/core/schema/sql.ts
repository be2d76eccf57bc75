import { alterStatements, parentStatements } from './alter-sql.ts';
import type { CatalogObject } from './catalog.ts';
import { commentTarget, createStatements } from './create-sql.ts';
import type { Change, Operation } from './operation.ts';
import { objectOf } from './operation-order.ts';
import { isTable, splitName } from './schema-model.ts';

/** The statements of a change, each with the comments that a person should read before it runs; empty: there are none. */
export function formatChange(change: Change): string {
  const blocks: { about: string; lines: string[] }[] = [];
  for (const operation of change.operations) {
    const object = objectOf(operation);
    const about = `${operation.act === 'drop' || operation.act === 'leave'} ${object.of ?? object.name}`;
    const lines = linesOf(operation, change).map(keepComment);
    const last = blocks.at(-1);
    if (last?.about === about) last.lines.push(...lines);
    else if (lines.length > 0) blocks.push({ about, lines: [...lines] });
  }
  return [...settings(change), ...blocks.map(({ lines }) => `${lines.join('\n')}\n`)].join('\n');
}

/** A name may hold a line end, behind which a comment would be one no more. */
function keepComment(line: string): string {
  return line.startsWith('--') ? line.replaceAll(/[\r\n]+/g, ' ') : line;
}

/** The body of an SQL function may speak of what is made behind it, or without its schema. */
function settings({ operations }: Change): readonly string[] {
  const isRead = operations.some((operation) => {
    if (operation.act === 'drop') return false;
    const { kind, fields } = objectOf(operation);
    return kind === 'function' && /\n LANGUAGE sql\n(?:.*\n)*?AS /.test(fields.definition ?? '');
  });
  return isRead ? ['SET LOCAL check_function_bodies = off;\n'] : [];
}

function linesOf(operation: Operation, change: Change): readonly string[] {
  switch (operation.act) {
    case 'create':
      return createStatements(operation.object, change);
    case 'alter':
      return alterStatements(operation.before, operation.after, change);
    case 'leave':
    case 'join':
      return parentStatements(operation.act, operation.before, operation.after);
    case 'own': {
      const { name, of = '', fields } = operation.object;
      return [`ALTER SEQUENCE ${name} OWNED BY ${of}.${fields['owned by']};`];
    }
    case 'drop':
      return dropStatements(operation.object, change);
  }
}

function dropStatements(object: CatalogObject, change: Change): readonly string[] {
  const { kind, name, of = '' } = object;
  if (isTable(object)) return [...lossOfTable(object, change), `DROP TABLE ${name};`];
  switch (kind) {
    case 'column':
      return dropColumn(object, change);
    case 'constraint':
      return [`ALTER TABLE ${of} DROP CONSTRAINT ${name};`];
    case 'index':
      return [`DROP INDEX ${splitName(of)[0]}.${name};`];
    default:
      // `TRIGGER t ON public.users`, `VIEW public.v`: as COMMENT ON names it.
      return [`DROP ${commentTarget(object)};`];
  }
}

function dropColumn(column: CatalogObject, change: Change): readonly string[] {
  const { name, of = '', fields } = column;
  const whole = change.before.whole(of);
  if (whole?.kind === 'composite type') return [`ALTER TYPE ${of} DROP ATTRIBUTE ${name};`];
  const drop = `ALTER TABLE ${of} DROP COLUMN ${name};`;
  if (fields.generated !== undefined) return [drop];
  const added = change.operations.flatMap((operation) => (operation.act === 'create' ? [operation.object] : []));
  const renamed = added.find((one) => one.kind === 'column' && one.of === of && one.fields.type === fields.type);
  return [
    `-- LOSES DATA: what is in ${of}.${name} goes.`,
    ...(renamed === undefined
      ? []
      : [
          `-- If it is to be ${renamed.name} instead, write this for the DROP and the ADD, here and the other way round:`,
          `--   ALTER TABLE ${of} RENAME COLUMN ${name} TO ${renamed.name};`,
        ]),
    drop,
  ];
}

function lossOfTable(table: CatalogObject, { before, after, operations }: Change): readonly string[] {
  const shape = (object: CatalogObject, model: Change['before']): string =>
    model
      .columnsOf(object)
      .map(({ name, fields }) => `${name} ${fields.type}`)
      .join(', ');
  const created = operations.flatMap((operation) => (operation.act === 'create' ? [operation.object] : []));
  const renamed = created.find((one) => isTable(one) && shape(one, after) === shape(table, before));
  const [schema, own] = splitName(table.name);
  const [newSchema, newOwn] = splitName(renamed?.name ?? '');
  return [
    `-- LOSES DATA: the rows of ${table.name} go.`,
    ...(renamed === undefined
      ? []
      : [
          `-- If it is to be ${renamed.name} instead, write this for the DROP and the CREATE, here and the other way round:`,
          `--   ALTER TABLE ${table.name} ${schema === newSchema ? `RENAME TO ${newOwn}` : `SET SCHEMA ${newSchema}`};${own === newOwn || schema === newSchema ? '' : ` ALTER TABLE ${newSchema}.${own} RENAME TO ${newOwn};`}`,
        ]),
  ];
}
