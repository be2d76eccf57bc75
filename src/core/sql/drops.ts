import { readStatements } from './script.ts';

/** What a statement takes away: a table, a schema with all its tables, a column, or all or some rows of a table. */
export interface DroppedName {
  readonly what: 'table' | 'schema' | 'column' | 'rows';
  /** As the catalog has it: `users`, or `billing.invoices` outside `public`. */
  readonly name: string;
  readonly column: string | undefined;
}

/**
 * Finds what a down text drops, as far as its statements say it plainly: DROP TABLE, DROP SCHEMA, ALTER TABLE … DROP
 * COLUMN, TRUNCATE and DELETE. What a function or a DO block drops, nobody can read from the text.
 */
export function findDroppedNames(text: string): readonly DroppedName[] {
  return readStatements(text).flatMap(({ start, end }) => droppedBy(withoutComments(text.slice(start, end))));
}

const NAME = String.raw`(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)`;
const QUALIFIED = String.raw`${NAME}(?:\s*\.\s*${NAME})?`;
const LIST = String.raw`(${QUALIFIED}(?:\s*,\s*${QUALIFIED})*)`;

const dropTable = new RegExp(String.raw`^drop\s+table\s+(?:if\s+exists\s+)?${LIST}`, 'iu');
const dropSchema = new RegExp(String.raw`^drop\s+schema\s+(?:if\s+exists\s+)?${LIST}`, 'iu');
const truncate = new RegExp(String.raw`^truncate\s+(?:table\s+)?(?:only\s+)?${LIST}`, 'iu');
const deleteFrom = new RegExp(String.raw`^delete\s+from\s+(?:only\s+)?(${QUALIFIED})`, 'iu');
const alterTable = new RegExp(
  String.raw`^alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(${QUALIFIED})\s+(.*)$`,
  'isu',
);
const dropColumn = new RegExp(
  String.raw`(?:^|,)\s*drop\s+(?:column\s+)?(?:if\s+exists\s+)?(?!constraint\b|default\b|identity\b|expression\b|not\b)(${NAME})`,
  'giu',
);

function droppedBy(statement: string): readonly DroppedName[] {
  const listed = (pattern: RegExp, what: DroppedName['what']): readonly DroppedName[] =>
    namesIn(pattern.exec(statement)?.[1] ?? '').map((name) => ({ what, name, column: undefined }));
  const [, table, actions] = alterTable.exec(statement) ?? [];
  const columns = Array.from((actions ?? '').matchAll(dropColumn), (match) => match[1] ?? '');
  return [
    ...listed(dropTable, 'table'),
    ...listed(dropSchema, 'schema'),
    ...listed(truncate, 'rows'),
    ...listed(deleteFrom, 'rows'),
    ...columns.map((column) => ({ what: 'column' as const, name: catalogName(table ?? ''), column: folded(column) })),
  ];
}

function namesIn(list: string): readonly string[] {
  return Array.from(list.matchAll(new RegExp(QUALIFIED, 'gu')), ([name]) => catalogName(name));
}

/** Without quotes, folded as PostgreSQL folds; `public` is not said. */
function catalogName(name: string): string {
  const parts = Array.from(name.matchAll(new RegExp(NAME, 'gu')), ([part]) => folded(part));
  return (parts[0] === 'public' ? parts.slice(1) : parts).join('.');
}

function folded(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}

function withoutComments(statement: string): string {
  return statement
    .replaceAll(/--[^\n]*/g, ' ')
    .replaceAll(/\/\*.*?\*\//gs, ' ')
    .trim();
}
