import { parseHead } from '../sql/directives.ts';
import { formatParents } from './head.ts';

export interface HeadEdit {
  /** What the `parents` line has to say; empty: `none`; undefined: the line goes. */
  readonly parents: readonly string[] | undefined;
  /** Old names of revisions → new ones, for the message. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** The parents that a file names itself, as it writes them; undefined: it names none. */
export function writtenParents(text: string, marker: '--' | '//'): readonly string[] | undefined {
  return parseHead(text, marker).directives.parents;
}

/**
 * The text with its `parents` line and the names in its `message` line brought up to date; all else stays as it is to
 * the byte. A new `parents` line comes behind the message, or on top where there is none.
 */
export function editHead(text: string, marker: '--' | '//', edit: HeadEdit): string {
  const { places } = parseHead(text, marker);
  const lineEnd = /\r?\n/.exec(text)?.[0] ?? '\n';
  const message = places.get('message');
  const parents = places.get('parents');
  const value = formatParents(edit.parents);
  const line = `${marker} orch: parents ${value}`;
  const changes: Change[] = [];
  if (message !== undefined) changes.push(renameIn(text, message, edit.renamed));
  if (parents !== undefined) {
    const end = endOfLine(text, parents);
    changes.push(value === undefined ? wholeLine(text, parents) : { start: parents, end, text: line });
  } else if (value !== undefined) {
    const top = text.startsWith('#!') ? afterLine(text, 0) : 0;
    const at = message === undefined ? top : afterLine(text, message);
    const isLast = at > 0 && text[at - 1] !== '\n';
    changes.push({ start: at, end: at, text: isLast ? `${lineEnd}${line}` : `${line}${lineEnd}` });
  }
  return applyChanges(text, changes);
}

interface Change {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function applyChanges(text: string, changes: readonly Change[]): string {
  const backwards = [...changes].sort((left, right) => right.start - left.start);
  return backwards.reduce((done, { start, end, text: put }) => done.slice(0, start) + put + done.slice(end), text);
}

/** Names are whole words of it: `003_a` is none in `003_ab`. */
function renameIn(text: string, start: number, renamed: ReadonlyMap<string, string>): Change {
  const end = endOfLine(text, start);
  const changed = text
    .slice(start, end)
    .replaceAll(/[\p{L}\p{N}\p{M}_-]+/gu, (word) => renamed.get(word.normalize('NFC')) ?? word);
  return { start, end, text: changed };
}

function wholeLine(text: string, at: number): Change {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  return text.slice(start, at).trim() === ''
    ? { start, end: afterLine(text, at), text: '' }
    : { start: at, end: endOfLine(text, at), text: '' };
}

function endOfLine(text: string, from: number): number {
  const found = /\r?\n|\r/g;
  found.lastIndex = from;
  return found.exec(text)?.index ?? text.length;
}

function afterLine(text: string, from: number): number {
  const found = text.indexOf('\n', from);
  return found < 0 ? text.length : found + 1;
}
