import { Lexer } from 'yaml';

const MAX_TOKENS = 60_000;
/** More than the levels that are taken, because it is a guess, and far less than the library's stack holds. */
const MAX_GUESSED_DEPTH = 400;

/** What the library's lexer puts between the tokens of the text: a document, the end of a flow, a plain scalar. */
const DOCUMENT = '\u0002';
const FLOW_END = '\u0018';
const SCALAR = '\u001f';

/**
 * Why a text must not be given to the YAML library, and where; undefined: it may. Its parser goes into what is nested by
 * calling itself, and where it runs out of stack while V8 compiles a pattern, V8 ends the whole process: nothing can be caught.
 * Its lexer does not, and tells as much as is needed for a guess.
 */
export function findHurtful(text: string): { readonly offset: number; readonly message: string } | undefined {
  const depth = new Depth();
  let count = 0;
  let offset = 0;
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    count += 1;
    if (count > MAX_TOKENS) return { offset: 0, message: 'the file has too many values' };
    if (!isScalar && (token === DOCUMENT || token === FLOW_END || token === SCALAR)) {
      isScalar = token === SCALAR;
      continue;
    }
    if (depth.after(token, isScalar) > MAX_GUESSED_DEPTH) return { offset, message: 'nested more than 20 levels deep' };
    isScalar = false;
    offset += token.length;
  }
  return undefined;
}

/**
 * How deep a token may be nested: in brackets and braces, and outside of them in blocks, each of which begins further to the
 * right than the one around it.
 */
class Depth {
  #brackets = 0;
  #column = 0;
  #isFirst = true;
  readonly #blocks: number[] = [];

  /** @param isScalar true: a text, whatever it looks like */
  after(token: string, isScalar: boolean): number {
    if (!isScalar && (token === '[' || token === '{')) this.#brackets += 1;
    else if (!isScalar && (token === ']' || token === '}')) this.#brackets = Math.max(0, this.#brackets - 1);
    const isBlank = /^[ \t]*$/.test(token);
    const opens = this.#isFirst || (!isScalar && (token === '-' || token === '?' || token === ':'));
    if (this.#brackets === 0 && opens && !isBlank && !token.startsWith('\n')) this.#open();
    this.#move(token, isBlank);
    return this.#brackets + this.#blocks.length;
  }

  #open(): void {
    while ((this.#blocks.at(-1) ?? -1) >= this.#column) this.#blocks.pop();
    this.#blocks.push(this.#column);
  }

  #move(token: string, isBlank: boolean): void {
    const lineEnd = token.lastIndexOf('\n');
    this.#column = lineEnd < 0 ? this.#column + token.length : token.length - lineEnd - 1;
    this.#isFirst = lineEnd < 0 ? this.#isFirst && isBlank : token.endsWith('\n');
  }
}
