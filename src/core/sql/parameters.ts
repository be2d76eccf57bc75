import { Lexer } from './lexer.ts';
import { sqlLiteral } from './quote.ts';

/**
 * A statement's text with `$1`, `$2`, … replaced by what `show` gives for the parameter of that number (from 1);
 * `around` gives what stands for the rest.
 */
export function replaceParameters(
  text: string,
  show: (index: number) => string,
  around: (rest: string) => string = (rest) => rest,
): string {
  const lexer = new Lexer(text);
  let replaced = '';
  let from = 0;
  for (let kind = lexer.next(); kind !== 'end' && kind !== 'unterminated'; kind = lexer.next()) {
    const match = kind === 'number' ? /^\$(\d+)$/.exec(lexer.value()) : null;
    if (match === null) continue;
    replaced += around(text.slice(from, lexer.start)) + show(Number(match[1]));
    from = lexer.end;
  }
  return replaced + around(text.slice(from));
}

/**
 * A parameter as a literal without a type: PostgreSQL finds its type as it does a parameter's. Takes what node-postgres
 * takes. Throws TypeError for a value that has no such form.
 */
export function parameterSql(value: unknown): string {
  const text = parameterText(value);
  return text === undefined ? 'NULL' : sqlLiteral(text);
}

function parameterText(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array)
    return `\\x${Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  if (Array.isArray(value)) return arrayText(value);
  if (typeof value === 'object') return JSON.stringify(value);
  throw new TypeError(`a ${typeof value} can be no parameter`);
}

function arrayText(items: readonly unknown[]): string {
  const parts = items.map((item) => {
    if (Array.isArray(item)) return arrayText(item);
    const text = parameterText(item);
    return text === undefined ? 'NULL' : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  });
  return `{${parts.join(',')}}`;
}
