/** Character classes of PostgreSQL's lexer (`scan.l`, which psql's `psqlscan.l` follows), by UTF-16 unit. */

export type CharacterClass =
  | 'space'
  | 'letter'
  | 'digit'
  | 'quote'
  | 'double-quote'
  | 'dollar'
  | 'open'
  | 'close'
  | 'semicolon'
  | 'backslash'
  | 'symbol';

const named: readonly (readonly [string, CharacterClass])[] = [
  // The vertical tab is white space since PostgreSQL 16.
  [' \t\n\r\f\v', 'space'],
  ['abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_', 'letter'],
  ['0123456789', 'digit'],
  ["'", 'quote'],
  ['"', 'double-quote'],
  ['$', 'dollar'],
  ['(', 'open'],
  [')', 'close'],
  [';', 'semicolon'],
  ['\\', 'backslash'],
];

const table: readonly CharacterClass[] = Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return named.find(([characters]) => characters.includes(character))?.[1] ?? 'symbol';
});

/** The class of the UTF-16 unit `code`. Everything beyond ASCII is a letter to PostgreSQL, no-break spaces too. */
export function classOf(code: number): CharacterClass {
  return table[code] ?? 'letter';
}

/** True for what may follow the first character of a word: letters, digits and `$`. */
export function continuesWord(code: number): boolean {
  const found = classOf(code);
  return found === 'letter' || found === 'digit' || found === 'dollar';
}

/** True for what the tag of a dollar quote may hold. */
export function continuesTag(code: number): boolean {
  const found = classOf(code);
  return found === 'letter' || found === 'digit';
}
