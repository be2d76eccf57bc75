import { createHash } from 'node:crypto';

/**
 * The checksum of a revision's text, as the ledger keeps it: `v1:sha256:<hex>`.
 * Version 1 leaves out white space at line ends and at the end of the text, so that an editor which trims lines or adds
 * the last line end has not changed an applied revision. Inside strings and dollar quotes that is not quite true, but a
 * difference that nobody can see is no reason to stop a deployment; the text that runs is always the text as it is.
 * @param text without BOM, with LF line ends
 */
export function checksumOf(text: string): string {
  const hash = createHash('sha256');
  // Most texts have none: one pass of a native search instead of a pass over the lines.
  if (hasTrailingSpace(text)) for (const piece of trimmedPieces(text)) hash.update(piece);
  else hash.update(text);
  return `v1:sha256:${hash.digest('hex')}`;
}

const NEWLINE = 10;

/**
 * The same checksum of a text that comes in pieces, as UTF-8. White space is ASCII, and no byte of another character
 * looks like it: the text need not be decoded, which would take longer than all the rest.
 */
export class TextChecksum {
  readonly #hash = createHash('sha256');
  /** White space at the end of what came so far, which counts only where something else follows it. */
  #lines = 0;
  #spaces = '';

  /** @param piece may be written over afterwards; may end within a character */
  update(piece: Buffer): void {
    const start = contentStart(piece);
    this.#hold(piece.toString('latin1', 0, start));
    if (start === piece.length) return;
    this.#hash.update('\n'.repeat(this.#lines) + this.#spaces);
    this.#lines = 0;
    this.#spaces = '';
    const end = contentEnd(piece);
    this.#hold(piece.toString('latin1', end));
    const content = piece.subarray(start, end);
    // Most pieces hold none: a native search from line end to line end instead of strings for all lines.
    if (!hasSpaceBeforeNewline(content)) this.#hash.update(content);
    else for (const part of trimmedPieces(content.toString('latin1'))) this.#hash.update(part, 'latin1');
  }

  digest(): string {
    return `v1:sha256:${this.#hash.digest('hex')}`;
  }

  /** White space before a line end never counts. */
  #hold(space: string): void {
    const parts = space.split('\n');
    if (parts.length > 1) this.#spaces = '';
    this.#lines += parts.length - 1;
    this.#spaces += parts.at(-1) ?? '';
  }
}

function contentEnd(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && isSpace(bytes[end - 1])) end -= 1;
  return end;
}

function contentStart(bytes: Buffer): number {
  let start = 0;
  while (start < bytes.length && isSpace(bytes[start])) start += 1;
  return start;
}

function hasSpaceBeforeNewline(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (at > 0 && isSpace(bytes[at - 1]) && bytes[at - 1] !== NEWLINE) return true;
  }
  return false;
}

function hasTrailingSpace(text: string): boolean {
  return (
    isSpace(text.charCodeAt(text.length - 1)) ||
    [' \n', '\t\n', '\f\n', '\v\n', '\r\n'].some((end) => text.includes(end))
  );
}

/** The text's lines without white space at their ends, and without empty lines at its end. Linear in the text. */
function* trimmedPieces(text: string): Generator<string> {
  const end = trimmedEnd(text, 0, text.length);
  for (let start = 0; start < end; ) {
    const found = text.indexOf('\n', start);
    const lineEnd = found < 0 || found > end ? end : found;
    const content = text.slice(start, trimmedEnd(text, start, lineEnd));
    yield lineEnd === end ? content : `${content}\n`;
    start = lineEnd + 1;
  }
}

function trimmedEnd(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && isSpace(text.charCodeAt(at - 1))) at -= 1;
  return at;
}

function isSpace(code: number | undefined): boolean {
  return code !== undefined && (code === 32 || (code >= 9 && code <= 13));
}
