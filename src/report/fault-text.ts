import type { Fault } from '../core/fault.ts';
import { displayWidth } from './columns.ts';
import type { PhraseContext } from './phrase-context.ts';
import { shownPlace } from './phrase-context.ts';

/** Columns of a source line that are shown; a longer line (minified SQL, one-line YAML) is cut around the caret. */
const shownWidth = 100;

/** A fault with its place, its line, a caret below it and what to write instead. */
export function faultLines(fault: Fault, context: PhraseContext): string[] {
  return [
    `${shownPlace(fault, context.cwd)}  ${shortened(fault.message, context)}`,
    ...sourceLines(fault, context),
    ...(fault.hint === undefined ? [] : [`  hint: ${shortened(fault.hint, context)}`]),
  ];
}

/** What is wrong may be repeated in the message, and be a megabyte long; JSON has all of it. In UTF-16 units. */
const longestMessage = 1000;

/** Cleaned before it is cut, as a source line is. */
function shortened(text: string, context: PhraseContext): string {
  if (text.length <= longestMessage) return text;
  return `${context.clean(text).slice(0, longestMessage)}…`;
}

/**
 * The line of the text with its number and, where the column is known, a caret below the character.
 * The line is cleaned first: escapes and masks change its width, and the caret has to follow.
 */
export function sourceLines(
  place: {
    readonly line: number | undefined;
    readonly column: number | undefined;
    readonly source: string | undefined;
  },
  context: PhraseContext,
): string[] {
  if (place.source === undefined || place.line === undefined) return [];
  const source = place.source.replace(/[\r\n]+$/, '');
  // Cleaned before it is cut: of a secret that reaches over the cut, only a part would be found.
  const line = context.clean(source.replaceAll('\t', '    '));
  const { shown, before } = windowOf(line, beforeCaret(source, line, place.column, context));
  const number = String(place.line);
  const lines = [`  ${number} | ${shown}`];
  if (before === undefined) return lines;
  return [...lines, `  ${' '.repeat(number.length)} | ${' '.repeat(displayWidth(before))}^`];
}

/** What stands before the caret in the cleaned line; undefined: there is no caret. */
function beforeCaret(
  source: string,
  line: string,
  column: number | undefined,
  context: PhraseContext,
): string | undefined {
  if (column === undefined || column > source.length + 1) return undefined;
  const before = context.clean(source.slice(0, column - 1).replaceAll('\t', '    '));
  // A secret that reaches over the caret is masked as a whole: there is no place left to point at.
  return line.startsWith(before) ? before : undefined;
}

function windowOf(line: string, before: string | undefined): { shown: string; before: string | undefined } {
  if (line.length <= shownWidth) return { shown: line, before };
  const caret = before?.length ?? 0;
  const start = Math.max(0, Math.min(caret - Math.floor(shownWidth / 2), line.length - shownWidth));
  const head = start > 0 ? '…' : '';
  const tail = start + shownWidth < line.length ? '…' : '';
  const shown = head + line.slice(start, start + shownWidth) + tail;
  return { shown, before: before === undefined ? undefined : head + before.slice(start) };
}
