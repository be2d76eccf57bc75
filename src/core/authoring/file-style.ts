/** How the files of a folder are named, told from the newest of them. */
export interface FileStyle {
  /** What the next number has to be above; -1n: the folder is empty. */
  readonly highest: bigint;
  /** Digits of a number; more where the number needs them. */
  readonly width: number;
  /** Between the number and the rest. */
  readonly separator: string;
  /** Between the words of the rest. */
  readonly wordSeparator: string;
  /** `number`: 004; `dated`: 20250131_1200-004; `timestamp`: 20250131120000 is the number. */
  readonly form: 'number' | 'dated' | 'timestamp';
  /** Digits of the time in `20250131_1200`. */
  readonly timeWidth: number;
  readonly upEnding: '.up.sql' | '.sql';
}

/** A new revision's name and the file name without its ending. */
export interface NewName {
  readonly id: string;
  /** The id with the rest: the revision's identity in the ledger. */
  readonly name: string;
  readonly stem: string;
}

const empty: FileStyle = {
  highest: -1n,
  width: 3,
  separator: '_',
  wordSeparator: '_',
  form: 'number',
  timeWidth: 4,
  upEnding: '.up.sql',
};

interface Parts {
  readonly stamp: string | undefined;
  readonly id: string;
  readonly separator: string;
  readonly rest: string;
  readonly ending: string;
}

/** The style of a folder with these files (the up files' or TypeScript files' names); of an empty one `001_name.up.sql`. */
export function styleOf(fileNames: readonly string[]): FileStyle {
  const files = fileNames.flatMap((name) => partsOf(name) ?? []);
  const [first, ...others] = files;
  if (first === undefined) return empty;
  const newest = others.reduce((best, one) => (BigInt(one.id) >= BigInt(best.id) ? one : best), first);
  const separator = files.find(({ separator: found }) => found !== '')?.separator ?? '_';
  const sql = files.filter(({ ending }) => ending !== '.ts');
  return {
    highest: BigInt(newest.id),
    width: newest.id.length,
    separator: newest.separator === '' ? separator : newest.separator,
    wordSeparator: /_/.test(newest.rest) ? '_' : /-/.test(newest.rest) ? '-' : separator,
    form: formOf(newest),
    timeWidth: newest.stamp?.split('_')[1]?.length ?? 4,
    upEnding: sql.length > 0 && sql.every(({ ending }) => ending === '.sql') ? '.sql' : '.up.sql',
  };
}

function formOf({ stamp, id }: Parts): FileStyle['form'] {
  if (stamp !== undefined) return 'dated';
  return timeOf(id) === undefined ? 'number' : 'timestamp';
}

function partsOf(fileName: string): Parts | undefined {
  const match = /^(?:(\d{8}_\d{4,6})-)?(\d+)(?:([_-])(.+?))?(\.up\.sql|\.sql|\.ts)$/.exec(fileName);
  if (match === null) return undefined;
  const [, stamp, id = '', separator = '', rest = '', ending = ''] = match;
  return { stamp, id, separator, rest, ending };
}

/**
 * The next name: above every number of the folder, and no name in `taken` (the ledger has revisions and seeds in one
 * table). `rest` is used as it is.
 * @param now in UTC it is what dates in names say
 */
export function nextName(style: FileStyle, rest: string, now: Date, taken: ReadonlySet<string>): NewName {
  const number = nextNumber(style, now);
  const id = String(number).padStart(style.width, '0');
  const stamp = style.form === 'dated' ? `${digitsOf(now, 8)}_${digitsOf(now, 14).slice(8, 8 + style.timeWidth)}-` : '';
  for (let count = 1; ; count += 1) {
    const words = [rest, ...(count === 1 ? [] : [String(count)])]
      .filter((word) => word !== '')
      .join(style.wordSeparator);
    const name = words === '' ? id : `${id}${style.separator}${words}`;
    if (!taken.has(name)) return { id, name, stem: `${stamp}${name}` };
  }
}

function nextNumber({ form, highest, width }: FileStyle, now: Date): bigint {
  if (form !== 'timestamp') return highest < 0n ? 1n : highest + 1n;
  const current = BigInt(digitsOf(now, width));
  if (current > highest) return current;
  // A clock behind that of the one who wrote the newest file: a second (or minute) later than that, as the calendar counts.
  const step = width === 12 ? 60_000 : 1000;
  const last = timeOf(String(highest)) ?? now.getTime();
  return BigInt(digitsOf(new Date(last + step), width));
}

/** `20250131120000` or `202501311200` in ms since 1970, UTC; undefined: no such time. */
function timeOf(digits: string): number | undefined {
  const match = /^((?:19|20|21)\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?$/.exec(digits);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second = '00'] = match;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time) ? undefined : time;
}

function digitsOf(date: Date, width: number): string {
  return date.toISOString().replaceAll(/\D/g, '').slice(0, width);
}

/** In bytes: with number, date and ending a name stays below the 255 that file systems take. */
const LONGEST_SLUG = 100;

/** The message as a part of a file name: letters and digits of any script in lower case, the rest as separators. */
export function slugOf(message: string, separator: string): string {
  let slug = '';
  let size = 0;
  for (const part of message.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? []) {
    const added = slug === '' ? part : `${separator}${part}`;
    const bytes = new TextEncoder().encode(added).length;
    if (size + bytes > LONGEST_SLUG) return slug === '' ? cut(part) : slug;
    slug += added;
    size += bytes;
  }
  return slug;
}

/** Scripts without spaces may have one word only. */
function cut(word: string): string {
  let kept = '';
  for (const character of word) {
    if (new TextEncoder().encode(kept + character).length > LONGEST_SLUG) break;
    kept += character;
  }
  return kept;
}
