import { Lexer } from './lexer.ts';
import { StatementReader } from './script.ts';

/** `:name`, `:"name"` or `:'name'` outside strings, comments and the data of a COPY: what psql puts a variable's value in for. */
export interface Reference {
  /** Of its colon, and behind its last character, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly quote: '"' | "'" | '';
  readonly name: string;
}

/** Finds all of them in a whole script, in order; what follows something unclosed is left out. */
export function findReferences(text: string): readonly Reference[] {
  // Most scripts have no colon at all that is not one of `::`.
  if (!/(?<!:):(?!:)/.test(text)) return [];
  const reader = new StatementReader(text);
  const found: Reference[] = [];
  for (;;) {
    const { standardStrings } = reader;
    if (!reader.next()) return found;
    const lexer = new Lexer(text, reader.start, reader.data?.start ?? reader.end);
    lexer.standardStrings = standardStrings;
    addReferences(lexer, found);
  }
}

function addReferences(lexer: Lexer, found: Reference[]): void {
  let colon = -1;
  for (let kind = lexer.next(); kind !== 'end' && kind !== 'unterminated'; kind = lexer.next()) {
    const { start, end } = lexer;
    if (colon >= 0 && start === colon + 1) {
      const reference = referenceOf(lexer.value());
      if (reference !== undefined) found.push({ start: colon, end, ...reference });
    }
    colon = kind === 'symbol' && isLoneColon(lexer.text, start) ? start : -1;
  }
}

/** Not one of a cast's `::`. */
function isLoneColon(text: string, at: number): boolean {
  return text[at] === ':' && text[at - 1] !== ':' && text[at + 1] !== ':';
}

function referenceOf(token: string): Pick<Reference, 'quote' | 'name'> | undefined {
  const match = /^(?:"([^"]*)"|'([^']*)'|(\w+)|\{)$/.exec(token);
  if (match === null) return undefined;
  const [, identifier, literal, bare = ''] = match;
  if (identifier !== undefined) return { quote: '"', name: identifier };
  return literal === undefined ? { quote: '', name: bare } : { quote: "'", name: literal };
}
