import { Lexer } from './lexer.ts';
import { StatementReader, type Unclosed } from './script.ts';

/** A statement found on a walk. Offsets are those of the whole script, in UTF-16 units. */
export interface Found {
  readonly start: number;
  /** Behind its `;` or last token; the data of a COPY begins on the next line. */
  readonly end: number;
  /** COPY … FROM STDIN: `rows` gives its data, and has to be read to its end. */
  readonly copiesIn: boolean;
  /** True: what follows is read under other rules for strings, so it must not be in one message with this. */
  readonly turnsStrings: boolean;
}

/** psql's lines that are passed over, meta-commands and `-- orch:` comments: everything beside the statements. */
export interface Beside {
  readonly dumpLines: { readonly start: number; readonly end: number }[];
  readonly metaCommands: number[];
  readonly directives: number[];
}

/**
 * Walks a script that comes in pieces, a statement at a time, and holds no more of it than the statement needs (and the
 * piece that it is in): 50 MB of INSERTs or of COPY data take as little memory as 50 kB.
 */
export class ScriptWalk {
  readonly beside: Beside = { dumpLines: [], metaCommands: [], directives: [] };
  /** Set once something is not closed; nothing is found beyond it. */
  unclosed: Unclosed | undefined;
  firstToken = Number.POSITIVE_INFINITY;
  /** Offset up to which the script was read into the window. */
  readTo = 0;
  readonly #pieces: Iterator<string>;
  #window = '';
  /** Offset of the window in the script, and of the next character in the window. */
  #base = 0;
  #at = 0;
  /** Offset in the script from which the window is kept. */
  #keepFrom: number | undefined;
  #ended = false;
  #reader: StatementReader | undefined;
  #standardStrings = true;
  /** Of the statement found last. */
  #start = 0;

  constructor(pieces: Iterable<string>) {
    this.#pieces = pieces[Symbol.iterator]();
  }

  /** The next statement; undefined: there is none, or `unclosed` is set. */
  next(): Found | undefined {
    while (this.unclosed === undefined) {
      this.#reader ??= this.#read();
      const reader = this.#reader;
      if (reader.next()) return this.#take(reader);
      if (!reader.needsMore) return this.#end(reader);
      this.#reader = undefined;
      this.#grow();
    }
    return undefined;
  }

  /** Keeps the script from `offset` on, for `slice`. */
  keepFrom(offset: number): void {
    this.#keepFrom = offset;
  }

  /** A part of the script that was kept. */
  slice(start: number, end: number): string {
    return this.#window.slice(start - this.#base, end - this.#base);
  }

  /** The data of the COPY … FROM STDIN that `next` found, without the line `\.`, in pieces. */
  *rows(): Generator<string> {
    this.#reader = undefined;
    this.#keepFrom = undefined;
    if (!this.#passCopyLine()) return;
    // The line end before the data is kept in front, so that the mark is found on the first line too.
    const first = this.#base + this.#at;
    this.#at -= 1;
    for (;;) {
      const mark = this.#window.indexOf(MARK, this.#at);
      const end = mark >= 0 ? mark : this.#dataEnd();
      const from = Math.max(this.#at, first - this.#base);
      if (end > from) yield this.#window.slice(from, end);
      this.#at = end;
      if (mark >= 0 || this.#endsWithMark()) {
        // The line end before the mark belongs to the last row.
        if (this.#base + end >= first) yield '\n';
        this.#at = Math.min(end + MARK.length - 1, this.#window.length);
        return;
      }
      if (!this.#grow()) return this.#stop({ offset: this.#start, what: 'copy-data' });
    }
  }

  #read(): StatementReader {
    return new StatementReader(this.#window, {
      from: this.#at,
      hasMore: !this.#ended,
      leaveData: true,
      standardStrings: this.#standardStrings,
    });
  }

  #take(reader: StatementReader): Found {
    this.#note(reader, reader.end);
    const turnsStrings = reader.standardStrings !== this.#standardStrings;
    this.#standardStrings = reader.standardStrings;
    this.#at = reader.end;
    this.#start = this.#base + reader.start;
    return { start: this.#start, end: this.#base + reader.end, copiesIn: reader.copiesIn, turnsStrings };
  }

  #end(reader: StatementReader): undefined {
    this.#note(reader, this.#window.length);
    if (reader.unclosed !== undefined) {
      const { offset, what } = reader.unclosed;
      this.#stop({ offset: this.#base + offset, what });
    }
    return undefined;
  }

  #stop(unclosed: Unclosed): undefined {
    this.unclosed ??= unclosed;
    this.#at = this.#window.length;
    return undefined;
  }

  /** Takes over what stands beside the statements up to `end`; what lies behind it is read again. */
  #note(reader: StatementReader, end: number): void {
    const base = this.#base;
    this.firstToken = Math.min(this.firstToken, base + reader.firstToken);
    const lines = takeBefore(reader.dumpLines, end, (line) => line.start);
    for (const line of lines) this.beside.dumpLines.push({ start: base + line.start, end: base + line.end });
    for (const offset of takeBefore(reader.metaCommands, end, itself)) this.beside.metaCommands.push(base + offset);
    for (const offset of takeBefore(reader.directives, end, itself)) this.beside.directives.push(base + offset);
  }

  /** Reads on, at least as much as there is: a long statement is read anew only as often as it doubles. False: that was all. */
  #grow(): boolean {
    if (this.#ended) return false;
    const keep = Math.min(this.#at, (this.#keepFrom ?? Number.POSITIVE_INFINITY) - this.#base);
    const parts = [this.#window.slice(keep)];
    const wanted = this.#window.length - keep;
    this.#base += keep;
    this.#at -= keep;
    for (let length = 0; length <= wanted; ) {
      const { done, value } = this.#pieces.next();
      if (done === true) {
        this.#ended = true;
        break;
      }
      parts.push(value);
      length += value.length;
    }
    this.#window = parts.join('');
    this.readTo = this.#base + this.#window.length;
    return true;
  }

  /** Moves to the first character of the data; false: there is something else on the line. */
  #passCopyLine(): boolean {
    let lineEnd = this.#window.indexOf('\n', this.#at);
    while (lineEnd < 0 && this.#grow()) lineEnd = this.#window.indexOf('\n', this.#at);
    const end = lineEnd < 0 ? this.#window.length : lineEnd;
    if (new Lexer(this.#window, this.#at, end).next() !== 'end') {
      this.#stop({ offset: this.#base + this.#at, what: 'copy-line' });
      return false;
    }
    if (lineEnd < 0) {
      this.#stop({ offset: this.#start, what: 'copy-data' });
      return false;
    }
    this.#at = lineEnd + 1;
    return true;
  }

  /** How far the window holds data for certain: its end may be the beginning of the mark. */
  #dataEnd(): number {
    if (this.#endsWithMark()) return this.#window.length - (MARK.length - 1);
    return Math.max(this.#at, this.#window.length - MARK.length);
  }

  /** The script may end without a line end behind the mark. */
  #endsWithMark(): boolean {
    return this.#ended && this.#window.endsWith('\n\\.') && this.#window.length - (MARK.length - 1) >= this.#at;
  }
}

/** Takes what lies before `end` out of a list in order. */
function takeBefore<Item>(items: Item[], end: number, offsetOf: (item: Item) => number): readonly Item[] {
  if (items.length === 0) return items;
  const behind = items.findIndex((item) => offsetOf(item) >= end);
  return items.splice(0, behind < 0 ? items.length : behind);
}

function itself(offset: number): number {
  return offset;
}

const MARK = '\n\\.\n';
