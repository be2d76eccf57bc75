import { Lexer } from './lexer.ts';

/** A statement that builds or drops indexes without keeping writers out, and that may leave an INVALID one behind. */
export interface IndexBuild {
  readonly kind: 'create' | 'reindex-index' | 'reindex-table' | 'reindex-schema' | 'reindex-database' | 'drop';
  /**
   * What stands in the statement: the table of `create` and `reindex-table`, the schema, else the index; with its schema, as
   * written. Of `reindex-database` the database, which is the session's own; empty: it is not named.
   */
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

/** REINDEX [(option, …)] {INDEX | TABLE | SCHEMA | DATABASE} [CONCURRENTLY] name; the option may say it as well. */
function readReindex(tokens: Tokens): IndexBuild | undefined {
  const optional = tokens.takeOptions().match(/\bconcurrently\b(?! '?(?:false|off|0)\b)/) !== null;
  // Not SYSTEM: the server refuses to build the indexes of its catalogs so.
  const what = (['index', 'table', 'schema', 'database'] as const).find((word) => tokens.takes(word));
  const concurrently = tokens.takes('concurrently') || optional;
  if (what === undefined || !concurrently) return undefined;
  const name = tokens.takeName();
  if (what === 'database') return { kind: 'reindex-database', relation: name, index: undefined, ifNotExists: false };
  return built(`reindex-${what}`, name);
}

function built(
  kind: IndexBuild['kind'],
  relation: string,
  more: Pick<IndexBuild, 'index' | 'ifNotExists'> = { index: undefined, ifNotExists: false },
): IndexBuild | undefined {
  return relation === '' ? undefined : { kind, relation, ...more };
}

/** True: it is about all tables of a schema or database; what it leaves is found by its name. */
export function isWide({ kind }: IndexBuild): boolean {
  return kind === 'reindex-schema' || kind === 'reindex-database';
}

/** PostgreSQL folds ASCII letters of names without quotes; the last part of a name counts. */
export function folded(name: string): string {
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
