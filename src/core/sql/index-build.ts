import { Lexer } from './lexer.ts';

/** A statement that builds or drops indexes without keeping writers out, and that may leave an INVALID one behind. */
export interface IndexBuild {
  readonly kind: 'create' | 'reindex-index' | 'reindex-table' | 'drop';
  /** What stands in the statement: the table of `create` and `reindex-table`, else the index; with its schema, as written. */
  readonly relation: string;
  /** Of `create`: the index's name as the catalog has it; undefined: the server chooses one. */
  readonly index: string | undefined;
  /** True: IF NOT EXISTS, which passes over whatever has the name (V14). */
  readonly ifNotExists: boolean;
}

/** Reads CREATE INDEX, REINDEX and DROP INDEX with CONCURRENTLY; undefined: the statement is none of these. */
export function readIndexBuild(statement: string): IndexBuild | undefined {
  const tokens = new Tokens(statement);
  if (tokens.takes('create')) return readCreate(tokens);
  if (tokens.takes('reindex')) return readReindex(tokens);
  if (!tokens.takes('drop') || !tokens.takes('index') || !tokens.takes('concurrently')) return undefined;
  if (tokens.takes('if')) tokens.takes('exists');
  return built('drop', tokens.takeName());
}

function readCreate(tokens: Tokens): IndexBuild | undefined {
  tokens.takes('unique');
  if (!tokens.takes('index') || !tokens.takes('concurrently')) return undefined;
  const ifNotExists = tokens.takes('if') && tokens.takes('not') && tokens.takes('exists');
  const index = tokens.at('on') ? undefined : tokens.takeName();
  if (!tokens.takes('on')) return undefined;
  tokens.takes('only');
  return built('create', tokens.takeName(), { index: index === undefined ? undefined : folded(index), ifNotExists });
}

/** REINDEX [(option, …)] {INDEX | TABLE} [CONCURRENTLY] name; the option may say it as well. */
function readReindex(tokens: Tokens): IndexBuild | undefined {
  const optional = tokens.takeOptions().match(/\bconcurrently\b(?! '?(?:false|off|0)\b)/) !== null;
  const kind = tokens.takes('index') ? 'reindex-index' : tokens.takes('table') ? 'reindex-table' : undefined;
  const concurrently = tokens.takes('concurrently') || optional;
  return kind !== undefined && concurrently ? built(kind, tokens.takeName()) : undefined;
}

function built(
  kind: IndexBuild['kind'],
  relation: string,
  more: Pick<IndexBuild, 'index' | 'ifNotExists'> = { index: undefined, ifNotExists: false },
): IndexBuild | undefined {
  return relation === '' ? undefined : { kind, relation, ...more };
}

/** PostgreSQL folds ASCII letters of names without quotes; the last part of a name counts. */
function folded(name: string): string {
  return name.startsWith('"')
    ? name.slice(1, -1).replaceAll('""', '"')
    : name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** A statement's tokens, one ahead. */
class Tokens {
  readonly #lexer: Lexer;

  constructor(text: string) {
    this.#lexer = new Lexer(text);
    this.#lexer.next();
  }

  at(word: string): boolean {
    return this.#lexer.isWord(word);
  }

  /** Passes over the word, if it is next. */
  takes(word: string): boolean {
    const found = this.at(word);
    if (found) this.#lexer.next();
    return found;
  }

  /** `name` or `schema.name`, as written; empty: there is none. */
  takeName(): string {
    let name = '';
    while (this.#lexer.kind === 'word' || this.#lexer.kind === 'quoted-identifier') {
      name += this.#lexer.value();
      this.#lexer.next();
      if (this.#lexer.value() !== '.') break;
      name += '.';
      this.#lexer.next();
    }
    return name;
  }

  /** Passes over `(…)`, if it is next, and gives its words in lower case. */
  takeOptions(): string {
    if (this.#lexer.kind !== 'open') return '';
    const words: string[] = [];
    for (let kind = this.#lexer.next(); kind !== 'close' && kind !== 'end'; kind = this.#lexer.next()) {
      words.push(this.#lexer.value().toLowerCase());
    }
    this.#lexer.next();
    return words.join(' ');
  }
}
