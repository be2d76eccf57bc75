import type { SqlText } from '../revision.ts';
import { classifyStatement } from './classify.ts';
import { type Found, ScriptWalk } from './script-walk.ts';

/** What goes to the server as one message. */
export interface ScriptPart {
  /** The message: as the file has it, but for what is passed over, which spaces stand for. */
  readonly text: string;
  /** Offset of the message in the file's text, in UTF-16 units. */
  readonly start: number;
  /** How many statements of the script lie before it. */
  readonly statementsBefore: number;
  /** The message is a single COPY … FROM STDIN with this data, in pieces; to be read to its end before the next part. */
  readonly rows: Iterable<string> | undefined;
}

/** Messages of several statements are cut at the first statement that ends behind this, in UTF-16 units. */
const GROUP = 64 * 1024;

/**
 * Cuts a script into what is sent. A text in one transaction goes in messages of many statements, which take one round
 * trip each; a small one goes whole. A text outside any transaction goes a statement at a time.
 * Passed over are pg_dump's lines for psql, and the BEGIN and the COMMIT around a whole file.
 */
export function* scriptParts(text: SqlText): Generator<ScriptPart> {
  const walk = new ScriptWalk(text.pieces());
  const group = new Group(walk, text.transaction === 'none');
  let index = 0;
  for (let found = walk.next(); found !== undefined; found = walk.next()) {
    index += 1;
    if (found.copiesIn) {
      yield* group.cut();
      const start = found.start;
      yield { text: walk.slice(start, found.end), start, statementsBefore: index - 1, rows: walk.rows() };
      group.begin(index);
    } else {
      if (text.wrapped && isControl(walk, found)) group.passOver(found);
      else group.add(found);
      if (group.isFull(found)) {
        yield* group.cut();
        group.begin(index);
      }
    }
  }
  yield* group.cut();
}

function isControl(walk: ScriptWalk, { start, end }: Found): boolean {
  const source = walk.slice(start, end);
  return classifyStatement(source, 0, source.length).class === 'control';
}

class Group {
  readonly #walk: ScriptWalk;
  readonly #single: boolean;
  #start: number | undefined;
  #end = 0;
  #before = 0;
  #blank: { start: number; end: number }[] = [];
  #dumpLines = 0;

  constructor(walk: ScriptWalk, single: boolean) {
    this.#walk = walk;
    this.#single = single;
  }

  begin(statementsBefore: number): void {
    this.#before = statementsBefore;
  }

  add({ start, end }: Found): void {
    if (this.#start === undefined) this.#walk.keepFrom(start);
    this.#start ??= start;
    this.#end = end;
  }

  /** Leaves the statement out; it counts as one that is done. */
  passOver({ start, end }: Found): void {
    if (this.#start === undefined) this.#before += 1;
    else this.#blank.push({ start, end });
  }

  isFull({ end, turnsStrings }: Found): boolean {
    if (this.#start === undefined) return false;
    return this.#single || turnsStrings || end - this.#start >= GROUP;
  }

  *cut(): Generator<ScriptPart> {
    const start = this.#start;
    if (start === undefined) return;
    yield { text: this.#text(start), start, statementsBefore: this.#before, rows: undefined };
    this.#start = undefined;
    this.#blank = [];
  }

  #text(start: number): string {
    const { dumpLines } = this.#walk.beside;
    const blanks = [...this.#blank, ...dumpLines.slice(this.#dumpLines)];
    this.#dumpLines = dumpLines.length;
    let text = this.#walk.slice(start, this.#end);
    for (const blank of blanks) {
      const from = Math.max(blank.start - start, 0);
      const to = Math.min(blank.end - start, text.length);
      if (from < to) text = text.slice(0, from) + ' '.repeat(to - from) + text.slice(to);
    }
    return text;
  }
}
