import type { SqlText } from '../revision.ts';
import { classifyStatement } from './classify.ts';
import { findReferences } from './references.ts';
import { scriptParts } from './script-parts.ts';

/** What psql is to read of a text for one message of `migrate`. */
export interface PsqlPart {
  /** In pieces; ended by `;` or by the end of COPY's data, and a line end. */
  readonly pieces: Iterable<string>;
  /** The message without COPY's data. */
  readonly statement: string;
  /** Statements of the text done once this part is. */
  readonly done: number;
  /** True: a transaction that the text began itself is open behind it. */
  readonly inTransaction: boolean;
}

/**
 * The text as psql runs it to the same end: where psql would put in a variable's value, it is told not to.
 * Each part is to be read to its end before the next.
 */
export function* psqlParts(text: SqlText): Generator<PsqlPart> {
  let inTransaction = false;
  for (const part of scriptParts(text)) {
    const { rows } = part;
    if (rows === undefined && text.transaction === 'none') inTransaction = opensAfter(part.text, inTransaction);
    const pieces = rows === undefined ? [ended(part.text)] : copyPieces(part.text, rows);
    yield { pieces, statement: part.text, done: part.statementsBefore + 1, inTransaction };
  }
}

/** `text` with a backslash before each colon that psql would take for the mark of a variable. */
export function forPsql(text: string): string {
  let escaped = '';
  let from = 0;
  for (const { start } of findReferences(text)) {
    escaped += `${text.slice(from, start)}\\`;
    from = start;
  }
  return escaped + text.slice(from);
}

function ended(statement: string): string {
  return `${forPsql(statement)}${statement.endsWith(';') ? '' : ';'}\n`;
}

function* copyPieces(statement: string, rows: Iterable<string>): Generator<string> {
  yield ended(statement);
  yield* rows;
  yield '\\.\n';
}

function opensAfter(statement: string, before: boolean): boolean {
  const { class: found, name } = classifyStatement(statement, 0, statement.length);
  if (found !== 'control') return before;
  if (name === 'BEGIN' || name === 'START TRANSACTION') return true;
  return before && /\band\s+chain\b/i.test(statement) && !/\bno\s+chain\b/i.test(statement);
}
