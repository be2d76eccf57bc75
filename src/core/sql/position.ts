import type { Fault } from '../fault.ts';

/** A place in a text, for messages. */
export interface Place {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in characters (code points), so that a caret stands under it. */
  readonly column: number;
  /** The whole line, without its end; undefined where it is too long to show. */
  readonly source: string | undefined;
}

/** Lines of data (a 50 MB INSERT without a line end) are not for a terminal. */
const LONGEST_SHOWN = 400;

/** The place of the UTF-16 `offset` in `text`. Reads the text up to there: for messages, not for loops. */
export function placeOf(text: string, offset: number): Place {
  const counter = new LineCounter(text);
  const { line, column } = counter.at(offset);
  const end = endOfLine(text, offset);
  const source = end - counter.lineStart > LONGEST_SHOWN ? undefined : text.slice(counter.lineStart, end);
  return { line, column, source };
}

/** Tells lines and columns of offsets that only grow, in time linear in the text altogether. */
export class LineCounter {
  /** Offset of the first character of the line of the latest place. */
  lineStart = 0;
  readonly #text: string;
  #line = 1;
  #column = 1;
  /** Up to here characters are counted, and where the line ends: each is found once, however long the line is. */
  #counted = 0;
  #lineEnd: number;

  constructor(text: string) {
    this.#text = text;
    this.#lineEnd = endOfLine(text, 0);
  }

  /** The place of `offset`, which must not be less than the one asked for before. */
  at(offset: number): { readonly line: number; readonly column: number } {
    while (this.#lineEnd < offset) {
      this.#line += 1;
      this.#column = 1;
      this.lineStart = this.#lineEnd + 1;
      this.#counted = this.lineStart;
      this.#lineEnd = endOfLine(this.#text, this.lineStart);
    }
    while (this.#counted < offset) {
      this.#counted += isPair(this.#text, this.#counted) ? 2 : 1;
      this.#column += 1;
    }
    return { line: this.#line, column: this.#column };
  }
}

/** A fault at `offset` of the text of `file`, with the line for the caret. */
export function faultAt(file: string, text: string, offset: number, message: string, hint: string | undefined): Fault {
  return { file, ...placeOf(text, offset), message, hint };
}

function endOfLine(text: string, from: number): number {
  const found = text.indexOf('\n', from);
  return found < 0 ? text.length : found;
}

function isPair(text: string, offset: number): boolean {
  const code = text.charCodeAt(offset);
  if (code < 0xd800 || code > 0xdbff) return false;
  const low = text.charCodeAt(offset + 1);
  return low >= 0xdc00 && low <= 0xdfff;
}
