import type { Fault } from '../core/fault.ts';
import { displayWidth } from './columns.ts';
import type { PhraseContext } from './phrase-context.ts';
import { shownPlace } from './phrase-context.ts';

/** Columns of a source line that are shown; a longer line (minified SQL, one-line YAML) is cut around the caret. */
const shownWidth = 100;

/** A fault with its place, its line, a caret below it and what to write instead. */
export function faultLines(fault: Fault, context: PhraseContext): string[] {
  return [
    `${shownPlace(fault, context.cwd)}  ${fault.message}`,
    ...sourceLines(fault, context),
    ...(fault.hint === undefined ? [] : [`  hint: ${fault.hint}`]),
  ];
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
  const { source, column } = windowOf(place.source.replace(/[\r\n]+$/, ''), place.column);
  const number = String(place.line);
  const line = context.clean(source.replaceAll('\t', '    '));
  const shown = [`  ${number} | ${line}`];
  if (column === undefined) return shown;
  const before = context.clean(source.slice(0, column - 1).replaceAll('\t', '    '));
  // A secret that reaches over the caret is masked as a whole: there is no place left to point at.
  if (!line.startsWith(before)) return shown;
  return [...shown, `  ${' '.repeat(number.length)} | ${' '.repeat(displayWidth(before))}^`];
}

function windowOf(source: string, column: number | undefined): { source: string; column: number | undefined } {
  const inside = column === undefined || column > source.length + 1 ? undefined : column;
  if (source.length <= shownWidth) return { source, column: inside };
  const start = Math.max(0, Math.min((inside ?? 1) - 1 - Math.floor(shownWidth / 2), source.length - shownWidth));
  const cut = source.slice(start, start + shownWidth);
  const head = start > 0 ? '…' : '';
  const tail = start + shownWidth < source.length ? '…' : '';
  return { source: head + cut + tail, column: inside === undefined ? undefined : inside - start + head.length };
}
