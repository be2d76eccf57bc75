/**
 * A reader for the plain part of YAML that config files are written in: block mappings with word keys, block lists,
 * one-line lists and mappings, scalars on one line, comments. Everything else it leaves to the YAML library.
 *
 * Why: loading that library and reading four small files with it takes 13 ms, most of what `orch migrate` may take
 * besides its connections with nothing to do. What this reader takes, it takes exactly as the library does (the tests
 * hold one against the other); it has no positions, so the first fault anywhere sends all files to the library.
 */

interface Line {
  readonly indent: number;
  readonly text: string;
}

/** More is not read here. In UTF-16 units. */
const MAX_LENGTH = 32 * 1024;
const MAX_DEPTH = 12;

/** A thing that this reader doesn't read; thrown and caught in this file. */
class NotSimple extends Error {}

/** The value of a text of simple YAML; undefined: it is not simple, or not YAML. Throws nothing. */
export function parseSimpleYaml(text: string): unknown {
  if (text.length > MAX_LENGTH) return undefined;
  try {
    const reader = new LineReader(toLines(text));
    const value = reader.block(0, 0);
    return reader.isDone() ? value : undefined;
  } catch (error) {
    if (error instanceof NotSimple) return undefined;
    throw error;
  }
}

function toLines(text: string): Line[] {
  const lines: Line[] = [];
  for (const line of text.split(/\r?\n/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: tabs and lone carriage returns are left to the library
    if (/[\u0000-\u001f\u007f-\u00a0\u2028\u2029\ufeff]/.test(line)) throw new NotSimple();
    const content = line.replace(/^ +/, '');
    if (content !== '' && !content.startsWith('#')) {
      lines.push({ indent: line.length - content.length, text: content.replace(/ +$/, '') });
    }
  }
  return lines;
}

const KEY = /^([A-Za-z][A-Za-z0-9_-]*):(?: +(.*))?$/;
const ITEM = /^- +(.*)$/;

class LineReader {
  readonly #lines: Line[];
  #next = 0;

  constructor(lines: Line[]) {
    this.#lines = lines;
  }

  isDone(): boolean {
    return this.#next === this.#lines.length;
  }

  /** The mapping or list whose lines have that indent. */
  block(indent: number, depth: number): unknown {
    const line = this.#lines[this.#next];
    if (line === undefined || line.indent !== indent || depth > MAX_DEPTH) throw new NotSimple();
    return line.text.startsWith('-') ? this.#list(indent, depth) : this.#mapping(indent, depth);
  }

  #mapping(indent: number, depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = Object.create(null);
    for (;;) {
      const line = this.#lines[this.#next];
      if (line === undefined || line.indent < indent) return result;
      const match = line.indent === indent ? KEY.exec(line.text) : null;
      const key = match?.[1];
      if (key === undefined || Object.hasOwn(result, key)) throw new NotSimple();
      this.#next += 1;
      const rest = match?.[2] ?? '';
      result[key] = rest === '' || rest.startsWith('#') ? this.#nested(indent, depth) : readInline(rest);
    }
  }

  /** What stands below a key with nothing after it; a list may have the indent of its key. */
  #nested(indent: number, depth: number): unknown {
    const line = this.#lines[this.#next];
    if (line === undefined || line.indent < indent) throw new NotSimple();
    if (line.indent === indent && !line.text.startsWith('- ')) throw new NotSimple();
    return this.block(line.indent, depth + 1);
  }

  #list(indent: number, depth: number): unknown[] {
    const result: unknown[] = [];
    for (;;) {
      const line = this.#lines[this.#next];
      // At the indent of the list, a key ends a list that has the indent of the key before it.
      if (line === undefined || line.indent < indent || (line.indent === indent && !line.text.startsWith('-')))
        return result;
      const rest = line.indent === indent ? ITEM.exec(line.text)?.[1] : undefined;
      if (rest === undefined || rest.startsWith('-')) throw new NotSimple();
      if (KEY.test(rest)) {
        const inner = indent + line.text.length - rest.length;
        this.#lines[this.#next] = { indent: inner, text: rest };
        result.push(this.block(inner, depth + 1));
      } else {
        this.#next += 1;
        result.push(readInline(rest));
      }
    }
  }
}

/** Words without spaces that mean nothing to YAML, a short list or mapping of them, or text in quotes without escapes. */
function readInline(text: string): unknown {
  const quoted = /^(?:'([^']*)'|"([^"\\]*)")(?: +#.*)?$/.exec(text);
  if (quoted !== null) return quoted[1] ?? quoted[2];
  const list = /^\[([^[\]{}"'#&*!|>%@`:]*)\](?: +#.*)?$/.exec(text);
  if (list !== null) return readItems(list[1] ?? '');
  const mapping = /^\{([^[\]{}"'#&*!|>%@`]*)\}(?: +#.*)?$/.exec(text);
  if (mapping !== null) return readEntries(mapping[1] ?? '');
  const comment = text.search(/ +#/);
  return readPlain(comment < 0 ? text : text.slice(0, comment));
}

function readItems(text: string): readonly unknown[] {
  if (/^ *$/.test(text)) return [];
  return text.split(',').map((item) => readItem(item.replace(/^ +| +$/g, '')));
}

function readItem(word: string): unknown {
  if (!/^(?:--?[A-Za-z]|[A-Za-z0-9_./])[A-Za-z0-9_./=-]*$/.test(word)) throw new NotSimple();
  return readPlain(word);
}

function readEntries(text: string): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null);
  if (/^ *$/.test(text)) return result;
  for (const entry of text.split(',')) {
    const [, key, word] = /^ *([A-Za-z][A-Za-z0-9_-]*): +([^ ]+) *$/.exec(entry) ?? [];
    if (key === undefined || word === undefined || Object.hasOwn(result, key)) throw new NotSimple();
    result[key] = readItem(word);
  }
  return result;
}

function readPlain(text: string): unknown {
  if (!/^[A-Za-z0-9_./$-]/.test(text) || /: |:$|^-(?:$| |-- |--$)/.test(text)) throw new NotSimple();
  if (/^\d+$/.test(text)) return readWhole(text);
  if (text === 'true' || text === 'false') return text === 'true';
  // What may be a number, infinity, nothing or a truth value in another spelling is left to the library.
  if (/^(?:null|true|false)$/i.test(text) || /^(?:[-+.\d][-+.\w]*)$/.test(text)) return readWordWithDigits(text);
  return text;
}

function readWhole(text: string): number {
  if (!/^(?:0|[1-9]\d{0,14})$/.test(text)) throw new NotSimple();
  return Number(text);
}

/** Such as `60s` and `--import`: certainly no number. */
function readWordWithDigits(text: string): string {
  if (!/^(?:\d+(?:ms|s|m|h)|--?[A-Za-z][\w-]*)$/.test(text)) throw new NotSimple();
  return text;
}
