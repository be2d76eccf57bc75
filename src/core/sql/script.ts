import type { Statement } from '../revision.ts';
import { Lexer, type TokenKind } from './lexer.ts';
import { LineCounter } from './position.ts';

/** How a text is read that may be only a part of a script. */
export interface ReaderOptions {
  /** Where to begin: outside any statement. */
  readonly from?: number;
  /** The script goes on behind the text: what its end leaves open is not read, and `needsMore` is set. */
  readonly hasMore?: boolean;
  /** Stop at the `;` of COPY … FROM STDIN instead of taking its data. */
  readonly leaveData?: boolean;
  /** False: `standard_conforming_strings` is off where the text begins. */
  readonly standardStrings?: boolean;
}

/** What is wrong at `offset`: something is opened there and never closed, or stands where COPY's data should begin. */
export interface Unclosed {
  readonly offset: number;
  readonly what: 'string' | 'dollar-quote' | 'identifier' | 'comment' | 'copy-data' | 'copy-line';
}

/**
 * Reads a script a statement at a time, splitting it exactly where psql does: at a `;` that is outside strings,
 * comments and parentheses (CREATE RULE … DO (…;…)) and outside the BEGIN ATOMIC … END body of an SQL function.
 * Statements without any token are passed over. The data of COPY … FROM STDIN belongs to its statement.
 */
export class StatementReader {
  /** Of the statement that `next` found: its first token, and the end of its `;` (of its data) or last token. */
  start = 0;
  end = 0;
  /** The data of COPY … FROM STDIN, without the line `\.`; undefined: the statement brings none. */
  data: { readonly start: number; readonly end: number } | undefined;
  /** Set once something is not closed; nothing is read beyond it. */
  unclosed: Unclosed | undefined;
  /** Offset of the script's first token. */
  firstToken = Number.POSITIVE_INFINITY;
  /** Offsets of the backslashes of psql's meta-commands passed so far. */
  readonly metaCommands: number[] = [];
  /** Of the lines `\restrict` and `\unrestrict` passed so far, which pg_dump writes for psql and which do nothing here. */
  readonly dumpLines: { readonly start: number; readonly end: number }[] = [];
  /** True after `next` gave false: the text may go on (`hasMore`), and whether a statement ends here depends on what follows. */
  needsMore = false;
  /** Offsets of the `-- orch:` comments passed so far. */
  readonly directives: number[];
  readonly #lexer: Lexer;
  #started = false;
  #depth = 0;
  readonly #body = new RoutineBody();
  readonly #copy = new CopySource();
  readonly #strings = new StringSetting();
  readonly #options: ReaderOptions;

  constructor(text: string, options: ReaderOptions = {}) {
    this.#lexer = new Lexer(text, options.from);
    this.#lexer.standardStrings = options.standardStrings ?? true;
    this.#options = options;
    this.directives = this.#lexer.directives;
  }

  /** The statement is COPY … FROM STDIN. */
  get copiesIn(): boolean {
    return this.#copy.isInline;
  }

  /** What the statements so far leave `standard_conforming_strings` at: psql reads what follows accordingly. */
  get standardStrings(): boolean {
    return this.#lexer.standardStrings;
  }

  /** Moves to the next statement; false: there is none, or `unclosed` is set. */
  next(): boolean {
    this.#begin();
    for (;;) {
      const kind = this.#lexer.next();
      this.firstToken = Math.min(this.firstToken, this.#lexer.start);
      if (kind === 'unterminated') return this.#options.hasMore === true ? this.#wait() : this.#stop();
      if (kind === 'end') return this.#endOfText();
      if (kind === 'backslash') this.#passMetaCommand();
      else if (this.#ends(kind)) return this.#found();
    }
  }

  #endOfText(): boolean {
    return this.#options.hasMore === true ? this.#wait() : this.#started;
  }

  #wait(): false {
    this.needsMore = true;
    return false;
  }

  #found(): boolean {
    const turned = this.#strings.turned;
    if (turned !== undefined) this.#lexer.standardStrings = turned;
    return !this.#copy.isInline || this.#options.leaveData === true || this.#takeData();
  }

  #begin(): void {
    this.data = undefined;
    this.#started = false;
    this.#depth = 0;
    this.#body.reset();
    this.#copy.reset();
    this.#strings.reset();
  }

  /** Takes a token into the statement; true: it is the last one. */
  #ends(kind: TokenKind): boolean {
    if (!this.#started) {
      if (kind === 'semicolon') return false;
      this.#started = true;
      this.start = this.#lexer.start;
    }
    this.end = this.#lexer.end;
    if (kind === 'semicolon') return this.#depth === 0 && !this.#body.isOpen;
    if (kind === 'open') this.#depth += 1;
    else if (kind === 'close') this.#depth = Math.max(0, this.#depth - 1);
    else if (kind === 'word') this.#body.pass(this.#lexer, this.#depth);
    this.#copy.pass(this.#lexer, this.#depth);
    this.#strings.pass(this.#lexer);
    return false;
  }

  #stop(what?: Unclosed['what'], at?: number): false {
    const offset = at ?? this.#lexer.start;
    this.unclosed = { offset, what: what ?? unclosedKind(this.#lexer.text, offset) };
    return false;
  }

  /** A meta-command reaches to the end of its line; quotes in it are psql's, not SQL's. `\;` is only the two. */
  #passMetaCommand(): void {
    const { text, start } = this.#lexer;
    const isEscape = text[start + 1] === ';' || text[start + 1] === ':';
    const end = isEscape ? start + 2 : lineEndFrom(text, start);
    if (
      !this.#started &&
      /^\\(?:un)?restrict[ \t]+[A-Za-z0-9]+[ \t]*$/.test(text.slice(start, Math.min(end, start + 200)))
    ) {
      this.dumpLines.push({ start, end });
    } else this.metaCommands.push(start);
    this.#lexer.jump(end);
  }

  /**
   * psql takes the data from the line after the one with the `;`, up to a line that is `\.`. It would run what follows
   * the `;` on its line after the data; and it takes the end of the file for the end of the data, which is how a file
   * that was cut short looks. Both are refused.
   */
  #takeData(): boolean {
    const { text } = this.#lexer;
    const lineEnd = lineEndFrom(text, this.end);
    if (new Lexer(text, this.end, lineEnd).next() !== 'end') return this.#stop('copy-line', this.end);
    const start = Math.min(lineEnd + 1, text.length);
    const mark = findDataEnd(text, start);
    if (mark < 0) return this.#stop('copy-data', this.start);
    this.data = { start, end: mark };
    this.end = mark + 2;
    this.#lexer.jump(this.end);
    return true;
  }
}

/** Finds `SET [SESSION | LOCAL] standard_conforming_strings {TO | =} …`, after which psql reads strings another way. */
class StringSetting {
  /** What the statement sets it to; undefined: it sets something else. */
  turned: boolean | undefined;
  #words = 0;

  reset(): void {
    this.turned = undefined;
    this.#words = 0;
  }

  pass(lexer: Lexer): void {
    if (this.#words < 0) return;
    if (this.#words === 0) this.#words = lexer.isWord('set') ? 1 : -1;
    else if (this.#words === 1 && (lexer.isWord('session') || lexer.isWord('local'))) return;
    else if (this.#words === 1) this.#words = lexer.isWord('standard_conforming_strings') ? 2 : -1;
    else if (this.#words === 2) this.#words = 3;
    else {
      this.turned = !/^'?(?:off|false|no|0)'?$/i.test(lexer.value());
      this.#words = -1;
    }
  }
}

/** The statements of `text` with their places; what follows something unclosed is left out. */
export function readStatements(text: string): readonly Statement[] {
  const reader = new StatementReader(text);
  const counter = new LineCounter(text);
  const statements: Statement[] = [];
  while (reader.next()) {
    const { line, column } = counter.at(reader.start);
    statements.push({ start: reader.start, end: reader.end, line, column });
  }
  return statements;
}

/** The offset of the first line `\.` from `start` on, which begins a line; -1: there is none. */
function findDataEnd(text: string, start: number): number {
  if (text.startsWith('\\.\n', start)) return start;
  const found = text.indexOf('\n\\.\n', start - 1);
  if (found >= 0) return found + 1;
  const last = text.length - 2;
  return text.endsWith('\n\\.') && last >= start ? last : -1;
}

function lineEndFrom(text: string, from: number): number {
  const found = text.indexOf('\n', from);
  return found < 0 ? text.length : found;
}

function unclosedKind(text: string, offset: number): Unclosed['what'] {
  const opening = text.slice(offset, offset + 3).replace(/^u&/i, '')[0];
  if (opening === '/') return 'comment';
  if (opening === '"') return 'identifier';
  return opening === '$' ? 'dollar-quote' : 'string';
}

const routineWords: ReadonlyMap<string, string> = new Map([
  ['create', 'c'],
  ['or', 'o'],
  ['replace', 'r'],
  ['function', 'f'],
  ['procedure', 'f'],
]);

/** psql's own heuristic (`psqlscan.l`): BEGIN, CASE and END count only in CREATE [OR REPLACE] FUNCTION|PROCEDURE. */
class RoutineBody {
  #words = 0;
  #head = '';
  #depth = 0;
  #isRoutine = false;

  get isOpen(): boolean {
    return this.#depth > 0;
  }

  reset(): void {
    this.#words = 0;
    this.#head = '';
    this.#depth = 0;
    this.#isRoutine = false;
  }

  pass(lexer: Lexer, parentheses: number): void {
    if (this.#words < 4) this.#passHead(lexer);
    if (!this.#isRoutine || parentheses > 0) return;
    if (lexer.isWord('begin') || (this.isOpen && lexer.isWord('case'))) this.#depth += 1;
    else if (this.isOpen && lexer.isWord('end')) this.#depth -= 1;
  }

  #passHead(lexer: Lexer): void {
    this.#words += 1;
    if (this.#words === 1 && !lexer.isWord('create')) this.#words = 4;
    else this.#head += routineWords.get(lexer.value().toLowerCase()) ?? '-';
    this.#isRoutine = this.#head.startsWith('cf') || this.#head === 'corf';
  }
}

/** Whether a statement is COPY … FROM STDIN. The grammar takes `FROM STDOUT` for the same. */
class CopySource {
  isInline = false;
  #state: 'first' | 'copy' | 'from' | 'other' = 'first';

  reset(): void {
    this.isInline = false;
    this.#state = 'first';
  }

  pass(lexer: Lexer, parentheses: number): void {
    if (this.#state === 'other') return;
    if (this.#state === 'first') this.#state = lexer.isWord('copy') ? 'copy' : 'other';
    else if (this.#state === 'from') {
      this.isInline = lexer.isWord('stdin') || lexer.isWord('stdout');
      this.#state = 'other';
    } else if (parentheses === 0 && lexer.isWord('from')) this.#state = 'from';
  }
}
