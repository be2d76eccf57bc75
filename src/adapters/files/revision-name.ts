/** What the name of a file in a revision folder says. */
export interface RevisionName {
  /** The name as the folder has it. */
  readonly fileName: string;
  /** The identity: `2`, `002` and `0002` are the same. */
  readonly number: bigint;
  /** The number as written. */
  readonly id: string;
  /** The id with the rest of the name, composed (NFC): macOS may hand out the same name decomposed. */
  readonly name: string;
  /** What a person would call it: the rest of the name with spaces. */
  readonly title: string;
  /** The file's name up to its ending, composed (NFC). */
  readonly stem: string;
  readonly part: 'up' | 'down' | 'code';
  /** `2025-01-31T12:00`: the date and time in the name; undefined: it has none. */
  readonly created: string | undefined;
}

/** Forms that are accepted, for messages. */
export const EXPECTED_NAMES =
  'expected 001_name.up.sql with 001_name.down.sql, or 001_name.ts (also 20250101_1200-001_name, 20250101120000_name)';

const endings: readonly (readonly [ending: string, part: RevisionName['part']])[] = [
  ['.up.sql', 'up'],
  ['.down.sql', 'down'],
  ['.sql', 'up'],
  ['.ts', 'code'],
];

/** Endings that would pass for a revision but are something else. */
const misleading = /\.(?:d|up|down|test|spec)\.ts$/;

/** Dot files, READMEs and what editors leave: no revisions, and no faults either. */
const ignored = /^\.|^readme|\.md$|~$|\.sw[op]$|^#.*#$/i;

/** Line ends, escapes and direction marks would let a name lie in a terminal; U+FFFD is a name that is not UTF-8. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]/u;

/** True for files that a revision folder may hold besides revisions. */
export function isIgnoredName(fileName: string): boolean {
  return ignored.test(fileName);
}

/** Parses a file's name; undefined: it is no revision's. */
export function parseRevisionName(fileName: string): RevisionName | undefined {
  if (unprintable.test(fileName) || misleading.test(fileName)) return undefined;
  const [ending, part] = endings.find(([candidate]) => fileName.endsWith(candidate)) ?? [];
  if (ending === undefined || part === undefined) return undefined;
  const stem = fileName.slice(0, -ending.length).normalize('NFC');
  const match = /^(?:(\d{8}_\d{4,6})-)?((\d+)(?:[_-](.+))?)$/.exec(stem);
  const [, stamp, name, id, rest] = match ?? [];
  if (name === undefined || id === undefined) return undefined;
  const title = (rest ?? id).replaceAll(/[_-]+/g, ' ').trim();
  return { fileName, number: BigInt(id), id, name, title, stem, part, created: dateIn(stamp ?? id) };
}

/** `20250131_1200` or `20250131120000` as ISO 8601; undefined: no such date, or too few digits for one. */
function dateIn(digits: string): string | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})_?(\d{2})(\d{2})(?:\d{2})?$/.exec(digits);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute] = match;
  const date = `${year}-${month}-${day}T${hour}:${minute}`;
  return Number.isNaN(Date.parse(`${date}Z`)) ? undefined : date;
}

/** Two names with one key are one revision to a file system that ignores case or composes letters. */
export function collisionKey(name: RevisionName): string {
  const rest = name.name.slice(name.id.length).toLowerCase().normalize('NFC');
  return `${name.number}${rest}`;
}

/** By number, then by name. */
export function compareNames(
  left: { readonly number: bigint; readonly name: string },
  right: { readonly number: bigint; readonly name: string },
): number {
  if (left.number !== right.number) return left.number < right.number ? -1 : 1;
  if (left.name === right.name) return 0;
  return left.name < right.name ? -1 : 1;
}
