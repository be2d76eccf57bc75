import { findNearest } from '../core/nearest.ts';

/** Why a text is no identifier, for the characters and lengths that are most often meant to do harm, or do. */
export function describeUnsafe(text: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  if (/["'`]/.test(text)) return 'It has a quote in it.';
  if (text.includes(';')) return 'It has a semicolon in it.';
  if (/[\r\n]/.test(text)) return 'It has a line break in it.';
  if (text.includes('\\')) return 'It has a backslash in it.';
  if (/\p{Cc}/u.test(text)) return 'It has a control character in it.';
  if (/\p{Cf}/u.test(text)) return 'It has a character in it that cannot be seen.';
  // PostgreSQL cuts a longer name with no more than a notice, so that two long names can be one.
  if (bytes > 63) return `It is ${bytes} bytes long; PostgreSQL takes 63.`;
  return undefined;
}

const RESERVED_DATABASES = ['postgres', 'template0', 'template1'];

/** Why no service may have a database of that name; undefined: it may. */
export function findReservedDatabase(name: string): string | undefined {
  return RESERVED_DATABASES.includes(name) ? `${name} is a database of the server itself` : undefined;
}

/** Why no role can have that name; undefined: it can. */
export function findReservedRole(name: string): string | undefined {
  if (name.startsWith('pg_')) return "names that begin with pg_ are PostgreSQL's own";
  if (name === 'public' || name === 'none') return `${name} is a word of SQL where a role is expected`;
  return undefined;
}

/** True for a name that an existing database or role may have: looser than for those that orch creates. */
export function isExistingIdentifier(name: string): boolean {
  // Asked first because V8 takes a ms or two to compile what \p{L} stands for.
  if (/^\w[\w.@$-]{0,62}$/.test(name)) return true;
  return /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.@$-]*$/u.test(name) && Buffer.byteLength(name) <= 63;
}

/** A hint for an unknown name: the nearest known one, else all of them. */
export function hintForUnknown(name: string, known: readonly string[]): string {
  const nearest = findNearest(name, known);
  if (nearest !== undefined) return `Did you mean '${nearest}'?`;
  return known.length === 0 ? 'None is declared.' : `Known: ${known.join(', ')}.`;
}
