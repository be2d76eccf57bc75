import { classOf, continuesTag, continuesWord } from './characters.ts';
import { isDirective } from './directives.ts';

export type TokenKind =
  | 'end'
  | 'word'
  | 'quoted-identifier'
  | 'string'
  | 'number'
  | 'open'
  | 'close'
  | 'semicolon'
  | 'backslash'
  | 'symbol'
  | 'unterminated';

const NEWLINE = 10;
const RETURN = 13;
const DOUBLE_QUOTE = 34;
const DOLLAR = 36;
const AMPERSAND = 38;
const QUOTE = 39;
const STAR = 42;
const DASH = 45;
const DOT = 46;
const SLASH = 47;
const BACKSLASH = 92;

/**
 * Reads the tokens of a PostgreSQL script one at a time, with the rules of psql's own lexer and
 * `standard_conforming_strings` on. A cursor, not a list: 50 MB of INSERTs make no garbage.
 * Every character is looked at a bounded number of times, whatever the input; something that is opened and never
 * closed ends the reading with the token `unterminated`, whose `start` is where it was opened.
 */
export class Lexer {
  readonly text: string;
  /** Of the token that `next` found. */
  kind: TokenKind = 'end';
  start: number;
  end: number;
  /** Offsets of the `-- orch:` comments passed so far. */
  readonly directives: number[] = [];
  /** False: `standard_conforming_strings` is off, and a backslash counts in plain strings as it does in `E'…'`. */
  standardStrings = true;
  readonly #limit: number;

  /** Reads `text` from offset `from`, which must be outside any string or comment, up to `to`. */
  constructor(text: string, from = 0, to = text.length) {
    this.text = text;
    this.start = from;
    this.end = from;
    this.#limit = to;
  }

  /** Moves to the next token, over white space and comments. */
  next(): TokenKind {
    if (this.kind === 'unterminated') return this.kind;
    this.start = this.#skipBlank(this.end);
    if (this.start < 0) return this.#unterminated(~this.start);
    if (this.start >= this.#limit) return this.#found('end', this.#limit);
    const first = classOf(this.text.charCodeAt(this.start));
    switch (first) {
      case 'letter':
        return this.#word();
      case 'digit':
        return this.#found('number', this.#endOfNumber(this.start + 1));
      case 'quote':
        return this.#closed('string', this.#afterPlainString(this.start + 1));
      case 'double-quote':
        return this.#closed('quoted-identifier', this.#afterPair(this.start + 1, DOUBLE_QUOTE));
      case 'dollar':
        return this.#dollar();
      default:
        return this.#found(first === 'space' ? 'symbol' : first, this.start + 1);
    }
  }

  /** The token as written. */
  value(): string {
    return this.text.slice(this.start, this.end);
  }

  /** True where the token is this word, in whatever case; `word` is lower case. Quoted identifiers are no words. */
  isWord(word: string): boolean {
    if (this.kind !== 'word' || this.end - this.start !== word.length) return false;
    // Without a string for it: a script of 50 MB has millions of tokens.
    for (let index = 0; index < word.length; index += 1) {
      const code = this.text.charCodeAt(this.start + index);
      const isCapital = code >= 65 && code <= 90;
      if ((isCapital ? code + 32 : code) !== word.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Goes on at `offset`, which must be outside any string or comment and not before the token's end. */
  jump(offset: number): void {
    this.end = offset;
  }

  #found(kind: TokenKind, end: number): TokenKind {
    this.kind = kind;
    this.end = end;
    return kind;
  }

  #closed(kind: TokenKind, end: number): TokenKind {
    return end < 0 ? this.#unterminated(this.start) : this.#found(kind, end);
  }

  #unterminated(start: number): TokenKind {
    this.start = start;
    return this.#found('unterminated', this.#limit);
  }

  /** The offset of the next token, or `~offset` of a block comment that nothing closes. */
  #skipBlank(from: number): number {
    let at = from;
    while (at < this.#limit) {
      const code = this.text.charCodeAt(at);
      if (classOf(code) === 'space') at += 1;
      else if (code === DASH && this.text.charCodeAt(at + 1) === DASH) at = this.#afterLineComment(at);
      else if (code === SLASH && this.text.charCodeAt(at + 1) === STAR) {
        const end = this.#afterBlockComment(at);
        if (end < 0) return ~at;
        at = end;
      } else return at;
    }
    return at;
  }

  #afterLineComment(from: number): number {
    if (isDirective(this.text, from)) this.directives.push(from);
    return this.#lineEnd(from + 2);
  }

  /** A line comment ends before a line feed or a carriage return. */
  #lineEnd(from: number): number {
    let at = from;
    while (at < this.#limit && this.text.charCodeAt(at) !== NEWLINE && this.text.charCodeAt(at) !== RETURN) at += 1;
    return at;
  }

  /** Block comments nest, as the SQL standard has it and C does not. -1: nothing closes it. */
  #afterBlockComment(from: number): number {
    let depth = 1;
    let at = from + 2;
    while (at < this.#limit) {
      const code = this.text.charCodeAt(at);
      const following = this.text.charCodeAt(at + 1);
      if (code === SLASH && following === STAR) {
        depth += 1;
        at += 2;
      } else if (code === STAR && following === SLASH) {
        depth -= 1;
        at += 2;
        if (depth === 0) return at;
      } else at += 1;
    }
    return -1;
  }

  /** A word, or a string or quoted identifier with a prefix, of which only `E` changes where the string ends. */
  #word(): TokenKind {
    let at = this.start + 1;
    while (at < this.#limit && continuesWord(this.text.charCodeAt(at))) at += 1;
    return at === this.start + 1 ? this.#letter(at) : this.#found('word', at);
  }

  #letter(at: number): TokenKind {
    const letter = this.text.charAt(this.start).toLowerCase();
    const following = this.text.charCodeAt(at);
    if (following === QUOTE && letter === 'e') return this.#closed('string', this.#afterEscapeString(at + 1));
    if (following === QUOTE && letter === 'n') return this.#closed('string', this.#afterPlainString(at + 1));
    if (following === QUOTE && (letter === 'b' || letter === 'x')) {
      return this.#closed('string', this.#afterPair(at + 1, QUOTE));
    }
    if (following === AMPERSAND && letter === 'u') {
      const mark = this.text.charCodeAt(at + 1);
      if (mark === QUOTE) return this.#closed('string', this.#afterPair(at + 2, QUOTE));
      if (mark === DOUBLE_QUOTE) return this.#closed('quoted-identifier', this.#afterPair(at + 2, DOUBLE_QUOTE));
      // psql's `xufailed`: the start of such a prefix is no word to its count of words.
      return this.#found('symbol', at);
    }
    return this.#found('word', at);
  }

  /** Digits, and the letters glued to them: PostgreSQL 15 and newer call `1a` trailing junk and see no string in `1.e'`. */
  #endOfNumber(from: number): number {
    let at = this.#endOfDigits(from);
    if (this.text.charCodeAt(at) === DOT && this.text.charCodeAt(at + 1) !== DOT) at = this.#endOfDigits(at + 1);
    if (at >= this.#limit || classOf(this.text.charCodeAt(at)) !== 'letter') return at;
    while (at < this.#limit && continuesWord(this.text.charCodeAt(at))) at += 1;
    return at;
  }

  #endOfDigits(from: number): number {
    let at = from;
    while (at < this.#limit && classOf(this.text.charCodeAt(at)) === 'digit') at += 1;
    return at;
  }

  /** The offset after the closing `mark`; a doubled mark is one of the content. -1: nothing closes it. */
  #afterPair(from: number, mark: number): number {
    const character = mark === QUOTE ? "'" : '"';
    let at = this.text.indexOf(character, from);
    while (at >= 0 && at < this.#limit && this.text.charCodeAt(at + 1) === mark) {
      at = this.text.indexOf(character, at + 2);
    }
    return at >= 0 && at < this.#limit ? at + 1 : -1;
  }

  #afterPlainString(from: number): number {
    return this.standardStrings ? this.#afterPair(from, QUOTE) : this.#afterEscapeString(from);
  }

  /** The content of `E'…'`, where a backslash takes the next character with it. */
  #afterEscapeString(from: number): number {
    let at = from;
    while (at < this.#limit) {
      const code = this.text.charCodeAt(at);
      if (code === BACKSLASH || (code === QUOTE && this.text.charCodeAt(at + 1) === QUOTE)) at += 2;
      else if (code === QUOTE) {
        const continued = this.#continuation(at + 1);
        if (continued < 0) return at + 1;
        at = continued;
      } else at += 1;
    }
    return -1;
  }

  /**
   * Strings with a line end (and comments) between them are one string, so that in `E'a'⏎'b\'c'` the backslash counts.
   * Gives the offset after the quote that goes on, or -1.
   */
  #continuation(from: number): number {
    let lineEnded = false;
    for (let at = from; at < this.#limit; at += 1) {
      const code = this.text.charCodeAt(at);
      if (code === QUOTE) return lineEnded ? at + 1 : -1;
      if (code === DASH && this.text.charCodeAt(at + 1) === DASH) at = this.#lineEnd(at);
      else if (classOf(code) !== 'space') return -1;
      const last = this.text.charCodeAt(at);
      if (last === NEWLINE || last === RETURN) lineEnded = true;
    }
    return -1;
  }

  /** `$1`, `$tag$…$tag$` or a lone `$`. */
  #dollar(): TokenKind {
    let at = this.start + 1;
    const first = this.text.charCodeAt(at);
    if (classOf(first) === 'digit') return this.#found('number', this.#endOfNumber(at));
    if (classOf(first) === 'letter') {
      while (at < this.#limit && continuesTag(this.text.charCodeAt(at))) at += 1;
    }
    if (this.text.charCodeAt(at) !== DOLLAR) return this.#found('symbol', this.start + 1);
    const mark = this.text.slice(this.start, at + 1);
    const closing = this.text.indexOf(mark, at + 1);
    return this.#closed('string', closing < 0 || closing >= this.#limit ? -1 : closing + mark.length);
  }
}
