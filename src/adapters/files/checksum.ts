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

/** The same checksum of a text that comes in pieces. */
export class TextChecksum {
  readonly #hash = createHash('sha256');
  /** White space that counts only where something else follows it on its line, or below it. */
  #held = '';

  update(piece: string): void {
    // Most pieces hold none but at their end: one pass of a native search instead of a pass over the lines.
    if (this.#held === '' && !hasTrailingSpace(piece)) {
      this.#hash.update(piece);
      return;
    }
    const text = this.#held + piece;
    const end = trimmedEnd(text, 0, text.length);
    this.#held = text.slice(end);
    for (const part of trimmedPieces(text)) this.#hash.update(part);
    // Only line ends of what is held count, and white space before the first of them never does.
    const line = this.#held.indexOf('\n');
    if (line > 0) this.#held = this.#held.slice(line);
  }

  digest(): string {
    return `v1:sha256:${this.#hash.digest('hex')}`;
  }
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

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}
