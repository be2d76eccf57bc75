import type { Fault } from './fault.ts';
import type { Revision, RevisionText, SqlText } from './revision.ts';
import { faultAt } from './sql/position.ts';
import { sqlIdentifier, sqlLiteral } from './sql/quote.ts';
import { findReferences, type Reference } from './sql/references.ts';
import { fillSqlText } from './sql/sql-text.ts';

/** By name. */
export type Values = Readonly<Record<string, string>>;

/**
 * The revision with values put in for the variables that its file names: `:"name"` becomes a quoted identifier,
 * `:'name'` a literal, nothing else is touched, strings, comments and bodies in dollar quotes neither (as in psql).
 * Checksums stay those of the files. A second call replaces the values of the first.
 * Names without a value stay as they are: `missingValues` tells them.
 */
export function withValues(revision: Revision, values: Values): Revision {
  const { variables } = revision;
  if (variables.length === 0) return revision;
  const own = Object.fromEntries(
    variables.flatMap((name) => (Object.hasOwn(values, name) ? [[name, values[name] ?? '']] : [])),
  );
  const down = revision.down === undefined ? undefined : fill(revision.down, own);
  return { ...revision, up: fill(revision.up, own), down, values: own };
}

/** Why a text can be no value; undefined: it can. */
export function describeUnfit(value: string): string | undefined {
  // Line ends would move the lines that errors are shown at.
  return /\p{Cc}/u.test(value) ? 'it has a line break or another control character in it' : undefined;
}

function fill(text: RevisionText, values: Values): RevisionText {
  if (text.language !== 'sql') return text;
  const written = text.written ?? text.text;
  const faults: Fault[] = [];
  let filled = '';
  let from = 0;
  for (const reference of findReferences(written)) {
    const value = Object.hasOwn(values, reference.name) ? values[reference.name] : undefined;
    if (value === undefined || reference.quote === '') continue;
    const unfit = reference.quote === '"' ? unfitIdentifier(value) : undefined;
    if (unfit !== undefined) faults.push(unfitFault(text, written, reference, unfit));
    filled += written.slice(from, reference.start) + valueSql(reference, value, written);
    from = reference.end;
  }
  return fillSqlText(text, { written, text: filled + written.slice(from), faults });
}

function valueSql({ quote, start }: Reference, value: string, written: string): string {
  if (quote === '"') return sqlIdentifier(value);
  const literal = sqlLiteral(value);
  // `x'…'` would be a string of bits.
  return /[\w$]/.test(written[start - 1] ?? '') ? ` ${literal}` : literal;
}

/** PostgreSQL cuts a longer name with no more than a notice. */
function unfitIdentifier(value: string): string | undefined {
  if (value === '') return 'is empty';
  const bytes = new TextEncoder().encode(value).length;
  return bytes > 63 ? `is ${bytes} bytes long; PostgreSQL takes 63` : undefined;
}

function unfitFault(text: SqlText, written: string, { start, name }: Reference, why: string): Fault {
  const message = `the value of ${name} cannot be a name: it ${why}`;
  return faultAt(text.shownFile ?? text.file, written, start, message, undefined);
}
