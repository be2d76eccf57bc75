import type { Fault } from '../core/fault.ts';
import type { ConfigDocument, TextRange } from './config-document.ts';
import { findUrlPassword, isSecretName, withoutSecrets } from './secret.ts';

/** Longer text in a message helps nobody. */
const MAX_SHOWN = 60;
/** A line longer than this is no line that a person wrote. In UTF-16 units. */
const MAX_SOURCE = 400;

/** A fault of a part of a config file: line, column and the line's text, with what is secret in it covered. */
export function faultAt(document: ConfigDocument, range: TextRange, message: string, hint: string | undefined): Fault {
  const { text } = document;
  const start = Math.min(range.start, text.length);
  // `lastIndexOf` takes a place before the beginning for the beginning, where a line end may be.
  const lineStart = start === 0 ? 0 : text.lastIndexOf('\n', start - 1) + 1;
  const newline = text.indexOf('\n', start);
  const lineEnd = newline < 0 ? text.length : newline;
  return {
    file: document.shown,
    line: lineAt(document, lineStart),
    column: start - lineStart + 1,
    message,
    source: showLine(document, lineStart, lineEnd),
    hint,
  };
}

const lineStarts = new WeakMap<ConfigDocument, readonly number[]>();

/** The number of the line that begins at an offset. A file may have a fault in each line: its lines are counted once. */
function lineAt(document: ConfigDocument, lineStart: number): number {
  const starts = lineStarts.get(document) ?? [
    0,
    ...Array.from(document.text.matchAll(/\n/g), ({ index }) => index + 1),
  ];
  lineStarts.set(document, starts);
  let low = 0;
  for (let high = starts.length - 1; low < high; ) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= lineStart) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}

/** A fault of a file, or of a variable, as a whole. */
export function faultOf(file: string, message: string, hint?: string): Fault {
  return { file, line: undefined, column: undefined, message, source: undefined, hint };
}

/** A value in quotes for a message: one line, bounded, and nothing in it that a terminal obeys. */
export function quote(text: string): string {
  const open = withoutSecrets(text);
  const short = open.length > MAX_SHOWN ? `${open.slice(0, MAX_SHOWN)}…` : open;
  return `'${short.replace(UNSAFE, (character) => ESCAPES[character] ?? escapeCharacter(character))}'`;
}

/** In order of file (as given), line and column. */
export function sortFaults(faults: readonly Fault[]): readonly Fault[] {
  const files = [...new Set(faults.map((fault) => fault.file))];
  return faults.toSorted(
    (left, right) =>
      files.indexOf(left.file) - files.indexOf(right.file) ||
      (left.line ?? 0) - (right.line ?? 0) ||
      (left.column ?? 0) - (right.column ?? 0),
  );
}

/**
 * C0, DEL and C1 controls, line and paragraph separators, lone surrogates, and the BiDi and zero-width characters that
 * make a text look like another one.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that must not reach a terminal
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/gu;

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The line for the caret: each covered character keeps its place, so that the column stays right. */
function showLine(document: ConfigDocument, start: number, end: number): string | undefined {
  const line = document.text.slice(start, end).replace(/\r$/, '');
  if (line.length > MAX_SOURCE || (!document.parsed && isInsideSecret(document.text, start))) return undefined;
  const characters = line.split('');
  const cover = (from: number, to: number): void => {
    for (let index = Math.max(from, 0); index < Math.min(to, characters.length); index += 1) characters[index] = '*';
  };
  for (const range of document.secretRanges) cover(range.start - start, range.end - start);
  const urlPassword = findUrlPassword(line);
  if (urlPassword !== undefined) cover(...urlPassword);
  const secretKey = document.parsed ? line.length : findSecretKey(line);
  const valueAfterKey = /^[\w-]+["']?\s*:\s*/.exec(line.slice(secretKey));
  if (valueAfterKey !== null) cover(secretKey + valueAfterKey[0].length, line.length);
  return characters.join('').replace(UNSAFE, (character) => (character === '\t' ? '\t' : '\ufffd'));
}

/** Where the first key with a secret's name begins; the line's length: nowhere. */
function findSecretKey(line: string): number {
  for (const match of line.matchAll(/[\w-]+(?=["']?\s*:)/g)) {
    if (isSecretName(match[0])) return match.index;
  }
  return line.length;
}

/** In a text that could not be parsed: whether the line goes on with a secret that an earlier line began. */
function isInsideSecret(text: string, lineStart: number): boolean {
  const lineEnd = text.indexOf('\n', lineStart);
  const isKey = (line: string): boolean => /^[\s-]*["']?[\w-]+["']?\s*:/.test(line);
  if (isKey(text.slice(lineStart, lineEnd < 0 ? undefined : lineEnd))) return false;
  const before = text.slice(Math.max(0, lineStart - 8 * MAX_SOURCE), lineStart).split('\n');
  const owner = before.findLast((line) => isKey(line));
  return owner !== undefined && findSecretKey(owner) < owner.length && /:\s*(?:[|>].*|["'].*)?$/.test(owner);
}
