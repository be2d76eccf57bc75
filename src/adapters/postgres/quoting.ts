import pg from 'pg';

/** A name as SQL, always in double quotes. The config's allow-list has been at it before; this is the second fence. */
export function quoteIdentifier(name: string): string {
  refuseNul(name);
  return pg.escapeIdentifier(name);
}

/** A text as an SQL literal that means the same whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  refuseNul(text);
  return pg.escapeLiteral(text);
}

/** A text as an SQL literal; undefined as NULL. */
export function quoteNullable(text: string | undefined): string {
  return text === undefined ? 'NULL' : quoteLiteral(text);
}

/** Texts as an SQL value of type `text[]`. */
export function quoteTextArray(texts: readonly string[]): string {
  return `ARRAY[${texts.map(quoteLiteral).join(', ')}]::pg_catalog.text[]`;
}

/** A NUL byte would end the message that carries it (08P01, V24). */
function refuseNul(text: string): void {
  if (text.includes('\0')) throw new TypeError('a text with a NUL character cannot be sent to PostgreSQL');
}
