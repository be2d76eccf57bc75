import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { Failure } from '../core/failure.ts';
import { describeReadError } from './secret.ts';

/** The file that is looked for. */
const CONFIG_FILE = 'orchestrator.config.yaml';

const MAX_BYTES = 1024 * 1024;

/**
 * The absolute path of the config file: the given one, else `orchestrator.config.yaml` in the working folder or the
 * nearest parent that has one. Throws `config-not-found`.
 */
export function requireConfigFile(cwd: string, given: string | undefined): string {
  const searched: string[] = [];
  for (const path of given === undefined ? candidates(cwd) : [resolve(cwd, given)]) {
    searched.push(path);
    if (isThere(path)) return path;
  }
  throw new Failure('config-not-found', { searched });
}

/** What is there and cannot be looked at is found too: reading it says why. */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

function candidates(cwd: string): readonly string[] {
  const folder = resolve(cwd);
  const parent = dirname(folder);
  return [join(folder, CONFIG_FILE), ...(parent === folder ? [] : candidates(parent))];
}

/** A path as messages show it: relative to the working folder where that is shorter. */
export function showPath(cwd: string, path: string): string {
  const short = relative(cwd, path);
  return short !== '' && short.length < path.length ? short : path;
}

/** `line` is 1-based: the first line that is not UTF-8. */
export type TextFile = { readonly text: string } | { readonly problem: string; readonly line?: number };

/** The text of a config file without its BOM. Throws nothing; `problem` ends the sentence "the file …". */
export function readTextFile(path: string): TextFile {
  try {
    // A FIFO or a device would block or never end; what is opened is looked at again, it may have been exchanged.
    if (!statSync(path).isFile())
      return { problem: statSync(path).isDirectory() ? 'is a folder' : 'is not a regular file' };
    const bytes = readBounded(path);
    if (bytes === undefined) return { problem: `is larger than ${MAX_BYTES / 1024 / 1024} MiB` };
    return decode(bytes);
  } catch (error) {
    return { problem: describeReadError(error) };
  }
}

function readBounded(path: string): Buffer | undefined {
  const handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = fstatSync(handle);
    if (size > MAX_BYTES) return undefined;
    const buffer = Buffer.alloc(Math.min(MAX_BYTES, size + 4096) + 1);
    let length = 0;
    for (;;) {
      const count = readSync(handle, buffer, length, buffer.length - length, null);
      length += count;
      if (count === 0) return buffer.subarray(0, length);
      if (length === buffer.length) return undefined;
    }
  } finally {
    closeSync(handle);
  }
}

/** The decoder leaves a BOM out. Control characters other than tab and line breaks are no YAML. */
function decode(bytes: Buffer): TextFile {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    const text = decoder.decode(bytes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused
    const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.exec(text);
    if (control !== null)
      return { problem: 'has a control character', line: text.slice(0, control.index).split('\n').length };
    return { text };
  } catch {
    return { problem: 'is not UTF-8 text', line: findBadLine(bytes) };
  }
}

/** No byte of a longer UTF-8 character is a newline, so lines can be looked at one by one. */
function findBadLine(bytes: Buffer): number {
  let line = 1;
  let start = 0;
  for (;;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    if (newline < 0) return line;
    line += 1;
    start = newline + 1;
  }
}
