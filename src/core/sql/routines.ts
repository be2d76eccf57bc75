import { Lexer } from './lexer.ts';

/** What a statement has to do with procedures that end their transaction themselves. */
export type RoutineUse =
  /** A DO block with a COMMIT or ROLLBACK of its own. */
  | { readonly kind: 'block'; readonly command: string }
  /** CREATE PROCEDURE; `commits`: with one. */
  | { readonly kind: 'procedure'; readonly name: string; readonly commits: boolean }
  | { readonly kind: 'call'; readonly name: string };

/** Tells whether a statement defines, runs or calls code that commits by itself, as far as its text shows it. */
export function findRoutineUse(text: string): RoutineUse | undefined {
  const lexer = new Lexer(text);
  lexer.next();
  if (lexer.isWord('call')) {
    lexer.next();
    return { kind: 'call', name: takeName(lexer) };
  }
  if (lexer.isWord('do')) {
    const command = findCommandInBodies(lexer);
    return command === undefined ? undefined : { kind: 'block', command };
  }
  return lexer.isWord('create') ? findProcedure(lexer) : undefined;
}

function findProcedure(lexer: Lexer): RoutineUse | undefined {
  lexer.next();
  if (lexer.isWord('or')) {
    lexer.next();
    lexer.next();
  }
  if (!lexer.isWord('procedure')) return undefined;
  lexer.next();
  const name = takeName(lexer);
  return { kind: 'procedure', name, commits: findCommandInBodies(lexer) !== undefined };
}

/** The last part of a name that may have a schema in front: as PostgreSQL folds it. */
function takeName(lexer: Lexer): string {
  let name = '';
  while (lexer.kind === 'word' || lexer.kind === 'quoted-identifier') {
    const written = lexer.value();
    name = lexer.kind === 'word' ? written.toLowerCase() : written.slice(1, -1).replaceAll('""', '"');
    if (lexer.next() !== 'symbol' || lexer.value() !== '.') break;
    lexer.next();
  }
  return name;
}

function findCommandInBodies(lexer: Lexer): string | undefined {
  for (; lexer.kind !== 'end' && lexer.kind !== 'unterminated'; lexer.next()) {
    if (lexer.kind !== 'string') continue;
    const found = findCommand(bodyOf(lexer.value()));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The content of a dollar quote or a plain string. */
function bodyOf(literal: string): string {
  const tag = /^\$[^$]*\$/.exec(literal)?.[0];
  return tag === undefined ? literal.slice(1, -1).replaceAll("''", "'") : literal.slice(tag.length, -tag.length);
}

/** Words behind which PL/pgSQL begins a statement. */
const openers: ReadonlySet<string> = new Set(['begin', 'then', 'else', 'loop']);

/** COMMIT or ROLLBACK where a statement of PL/pgSQL begins. */
function findCommand(body: string): string | undefined {
  const lexer = new Lexer(body);
  let isStart = true;
  for (;;) {
    const kind = lexer.next();
    if (kind === 'end' || kind === 'unterminated') return undefined;
    const word = kind === 'word' && lexer.end - lexer.start < 10 ? lexer.value().toLowerCase() : '';
    if (isStart && (word === 'commit' || word === 'rollback')) return word.toUpperCase();
    isStart = kind === 'semicolon' || openers.has(word);
  }
}
