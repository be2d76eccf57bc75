/** A name as SQL, always in double quotes. Throws TypeError for one with a NUL character, which no message can carry. */
export function sqlIdentifier(name: string): string {
  return `"${withoutNul(name).replaceAll('"', '""')}"`;
}

/** A text as an SQL literal that means the same whatever `standard_conforming_strings` says. Throws as `sqlIdentifier`. */
export function sqlLiteral(text: string): string {
  const doubled = withoutNul(text).replaceAll("'", "''");
  return doubled.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

function withoutNul(text: string): string {
  if (text.includes('\0')) throw new TypeError('a text with a NUL character cannot be sent to PostgreSQL');
  return text;
}
