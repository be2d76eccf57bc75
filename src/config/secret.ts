import { readFileSync, statSync } from 'node:fs';

/** Keys and variables whose value is shown to nobody. `passwordFile` holds a path, not a secret. */
const SECRET_NAME = /(?:password|passwd|secret|token|credential|api_?key|private_?key)(?!_?file)/i;

/**
 * A text of the file without what looks like a secret in it: the password of a URL, and whatever follows a key with a
 * secret's name. A slip of the pen turns `password: x` into a text, or a URL into a key.
 */
export function withoutSecrets(text: string): string {
  const found = SECRET_NAME.exec(text);
  const end = found === null ? -1 : text.slice(found.index).search(/[^\w-]/);
  const cut = found === null || end < 0 ? text : `${text.slice(0, found.index + end)}…`;
  const password = findUrlPassword(cut);
  return password === undefined ? cut : `${cut.slice(0, password[0])}***${cut.slice(password[1])}`;
}

/**
 * Where the password of a URL in a text begins and ends. The URL of a server may have lost its `@`: then what follows
 * `//role:` and is no port counts as password.
 */
export function findUrlPassword(text: string): readonly [start: number, end: number] | undefined {
  const broken = /(?:postgres[\w+]*:?|url["']?\s*:.*)\/\/[^\s/:@$]*:(?!\d{1,5}(?:[/?#\s"',}\]]|$))(\S+)/di;
  return findBeforeAt(text) ?? broken.exec(text.slice(0, MOST_READ))?.indices?.[1];
}

/** More than is shown of any text, in UTF-16 units: what looks for a broken URL takes the square of the length. */
const MOST_READ = 2000;

/** What stands between `//role:` and the last `@` of the same word. */
function findBeforeAt(text: string): readonly [start: number, end: number] | undefined {
  for (const { 0: word, index } of text.matchAll(/\S+/g)) {
    const at = word.lastIndexOf('@');
    const start = /\/\/[^/:@]*:/d.exec(word)?.indices?.[0]?.[1];
    if (start !== undefined && start < at) return [index + start, index + at];
  }
  return undefined;
}

/** More than any password; a wrong path such as a disk image is not read in whole. In bytes. */
const MAX_BYTES = 64 * 1024;

/** True for the name of a key or variable that holds a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

export type SecretFile = { readonly value: string } | { readonly problem: string };

/**
 * The secret in a file, as Docker and Kubernetes mount them: the newline that editors put at the end is not part of
 * it. Throws nothing; `problem` ends the sentence "the password file …".
 */
export function readSecretFile(path: string): SecretFile {
  try {
    const status = statSync(path);
    if (!status.isFile()) return { problem: status.isDirectory() ? 'is a folder' : 'is not a regular file' };
    if (status.size > MAX_BYTES) return { problem: `is larger than ${MAX_BYTES / 1024} KiB` };
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
    const value = text.replace(/(?:\r?\n)+$/, '');
    if (value === '') return { problem: 'is empty' };
    if (value.includes('\0')) return { problem: 'has a NUL character' };
    return { value };
  } catch (error) {
    return { problem: describeReadError(error) };
  }
}

/** Why a file could not be read, to end the sentence "the file …". */
export function describeReadError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'cannot be read: no permission';
  if (code === 'ELOOP') return 'is a link to itself';
  if (code === 'ENAMETOOLONG') return 'has a name that is too long';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'is not UTF-8 text';
  return `cannot be read${typeof code === 'string' ? ` (${code})` : ''}`;
}
