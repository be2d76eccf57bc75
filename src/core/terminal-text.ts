/**
 * Foreign text (server messages, names, log lines) made safe to show: control characters become visible, secrets become
 * `***`. PostgreSQL allows ESC, newline and BiDi characters in names and gives them back raw in its messages (V23).
 */

/** What a masked secret is shown as. */
const MASK = '***';

/*
 * C0 and C1 controls, DEL; soft hyphen and invisible spaces; BiDi marks, embeddings, overrides and isolates (they reorder
 * what stands after them: CVE-2021-42574); line and paragraph separators; tag characters; surrogates without their half.
 */
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Cs}]/gu;

const shortNames: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * The text with every character that steers a terminal, or hides, written as an escape: `\x1b`, `\u202e`, `\ud800`.
 * @param newlines `keep`: `\n` stays and `\r\n` becomes `\n`; `escape`: the result is one line
 */
export function visibleText(text: string, newlines: 'keep' | 'escape'): string {
  const source = newlines === 'keep' ? text.replaceAll('\r\n', '\n') : text;
  return source.replace(hidden, (character) =>
    character === '\n' && newlines === 'keep' ? '\n' : escapeOf(character),
  );
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code > 0xffff) return `\\u{${hex}}`;
  return shortNames[character] ?? (code <= 0xff ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`);
}

/**
 * JSON text in which every hidden character stands as a `\u` escape: the same value for a parser, harmless when it is
 * shown on a terminal. `JSON.stringify` itself leaves DEL, C1 and BiDi characters raw.
 */
export function visibleJson(json: string): string {
  return json.replace(hidden, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

/** A secret shorter than this would blank out parts of ordinary words. */
const shortestEverywhere = 4;

/** Base64 fragments shorter than this stand in ordinary words too. */
const shortestFragment = 8;

/*
 * What is a password by its place, known or not: a config that cannot be read gives no list of secrets, but its lines are
 * shown. In a URL before the @; behind `password:` or `password=`; in SQL behind PASSWORD. `${NAME}` is no secret.
 */
const inUrl = /(?<=:\/\/[^\s/@:]*:)(?!\$\{)[^\s@/]+(?=@)/;
const behindKey = /(?<=\bpassword["']?\s*[:=]\s*)(?!["']?\$\{)(?:"[^"]*"|'[^']*'|[^\s,;"'&}]+)/;
/*
 * A string of SQL in any of its forms, also doubled inside another string, or one whose end was cut off. Where a backslash
 * stands before a quote, the longer reading is taken: whether it escapes depends on settings of the server.
 */
const behindWord =
  /(?<=\bpassword\s+)(?:(?:e|u&|n)?(?:(?<quotes>'{2,})[^']+\k<quotes>|'(?:[^'\\]|''|\\[\s\S])*(?:'|\\?$))|(?<dollars>\$\w*\$)[\s\S]*?(?:\k<dollars>|$))/;
/*
 * None of them begins with white space. Asked before they look behind, or each blank of a long run would look back over all
 * those before it: a megabyte of blanks took a quarter of an hour.
 */
const placed = new RegExp(
  String.raw`(?=\S)(?:${[inUrl, behindKey, behindWord].map(({ source }) => source).join('|')})`,
  'gi',
);

/** Known secrets, as they are looked for. */
interface Known {
  readonly pattern: RegExp | undefined;
  /** Forms that are too long for a pattern: V8 refuses one of some 20 000 characters. */
  readonly long: readonly string[];
}

const knownSecrets = new WeakMap<readonly string[], Known>();

/** In UTF-16 units. */
const longestInPattern = 1000;

/**
 * The text with every secret replaced by `***`. Known ones: as they are, URL-encoded, as SQL, JSON or shell quote them, in
 * hex, and in base64 (also inside a longer encoded text, such as `user:password` of HTTP); those of less than 4 characters would
 * blank out parts of ordinary words, and are left to the second rule. Unknown ones: what stands where a password stands.
 * @param secrets the same array on each call: what is derived from it is kept with it
 */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  const known = knownSecrets.get(secrets) ?? knownOf(secrets);
  knownSecrets.set(secrets, known);
  const masked = known.long.reduce(maskLong, text);
  return (known.pattern === undefined ? masked : masked.replace(known.pattern, MASK)).replace(placed, MASK);
}

function knownOf(secrets: readonly string[]): Known {
  const forms = byLength(new Set(secrets.filter((secret) => secret.length >= shortestEverywhere).flatMap(formsOf)));
  const short = forms.filter((form) => form.length <= longestInPattern);
  return {
    pattern: short.length === 0 ? undefined : new RegExp(short.map(quotePattern).join('|'), 'gi'),
    long: forms.filter((form) => form.length > longestInPattern),
  };
}

/** Where the text begins as the secret does, it is masked as far as it goes on so, to its end or to where it was cut off. */
function maskLong(text: string, secret: string): string {
  const beginning = new RegExp(quotePattern(secret.slice(0, longestInPattern)), 'gi');
  let masked = '';
  let from = 0;
  for (let found = beginning.exec(text); found !== null; found = beginning.exec(text)) {
    let length = longestInPattern;
    while (length < secret.length && isSameLetter(text[found.index + length], secret[length])) length += 1;
    masked += text.slice(from, found.index) + MASK;
    from = found.index + length;
    beginning.lastIndex = from;
  }
  return masked + text.slice(from);
}

function isSameLetter(left: string | undefined, right: string | undefined): boolean {
  return left === right || (left !== undefined && left.toLowerCase() === right?.toLowerCase());
}

/** Longest first: a secret that contains another one is masked whole. */
function byLength(forms: ReadonlySet<string>): string[] {
  return [...forms].sort((a, b) => b.length - a.length);
}

function quotePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function formsOf(secret: string): string[] {
  return [...writtenForms(secret), hexForm(secret), ...base64Forms(secret)];
}

function writtenForms(secret: string): string[] {
  const whole = secret.replace(/\p{Cs}/gu, '\ufffd');
  const component = encodeURIComponent(whole);
  const json = JSON.stringify(secret).slice(1, -1);
  // `encodeURIComponent` leaves !'()* as they are; other encoders (Python's quote, RFC 3986) don't.
  const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return [
    secret,
    component,
    strict,
    component.replaceAll('%20', '+'),
    strict.replaceAll('%20', '+'),
    encodeURI(whole),
    secret.replaceAll("'", "''"),
    secret.replaceAll('\\', '\\\\').replaceAll("'", "\\'"),
    secret.replaceAll("'", "'\\''"),
    secret.replaceAll('\\', '\\\\'),
    json,
    JSON.stringify(json).slice(1, -1),
    visibleText(secret, 'escape'),
  ];
}

/** As `bytea` is shown; letter case does not count. */
function hexForm(secret: string): string {
  return Array.from(new TextEncoder().encode(secret), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function base64Forms(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret);
  // Three bytes make four characters: inside a longer text the secret starts at any of three places, and only the
  // characters that no neighbour takes part in are always the same.
  const fragments = [0, 1, 2].map((offset) => {
    const encoded = base64([...Array<number>(offset).fill(0), ...bytes]);
    const whole = Math.floor(((offset + bytes.length) * 8) / 6);
    return encoded.slice(Math.ceil((offset * 8) / 6), whole);
  });
  const alone = base64([...bytes]);
  const forms = [
    alone,
    alone.replace(/=+$/, ''),
    ...fragments.filter((fragment) => fragment.length >= shortestFragment),
  ];
  return forms
    .flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')])
    .filter((form) => form.length >= 6);
}

function base64(bytes: readonly number[]): string {
  // One by one: as arguments of one call, too many would leave no stack.
  return btoa(bytes.map((byte) => String.fromCharCode(byte)).join(''));
}
