import { Lexer } from './lexer.ts';

/** What a statement has to do with transactions. */
type StatementClass =
  /** Runs in a transaction. */
  | 'plain'
  /** PostgreSQL refuses it in a transaction (25001, `PreventInTransactionBlock`). */
  | 'outside'
  /** Begins or ends a transaction; savepoints do not. */
  | 'control';

export interface Classified {
  readonly class: StatementClass;
  /** The words that decided, in capitals, such as `CREATE INDEX CONCURRENTLY`; empty for plain ones. */
  readonly name: string;
}

const plain: Classified = { class: 'plain', name: '' };

/** Tells what the statement between two offsets of `text` is. Reads no more of it than its kind needs. */
export function classifyStatement(text: string, start: number, end: number): Classified {
  const words = new Words(text, start, end);
  const rule = rules.get(words.take());
  return rule?.(words) ?? plain;
}

type Rule = (words: Words) => Classified;

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['begin', () => control('BEGIN')],
  ['start', () => control('START TRANSACTION')],
  ['commit', (words) => control(words.at('prepared') ? 'COMMIT PREPARED' : 'COMMIT')],
  ['end', () => control('END')],
  ['abort', () => control('ABORT')],
  ['rollback', classifyRollback],
  ['prepare', (words) => (words.at('transaction') && words.atString() ? control('PREPARE TRANSACTION') : plain)],
  ['vacuum', () => outside('VACUUM')],
  ['discard', (words) => (words.at('all') ? outside('DISCARD ALL') : plain)],
  ['create', classifyCreate],
  ['drop', classifyDrop],
  ['alter', classifyAlter],
  ['reindex', classifyReindex],
  ['cluster', classifyCluster],
]);

function outside(name: string): Classified {
  return { class: 'outside', name };
}

function control(name: string): Classified {
  return { class: 'control', name };
}

/** ROLLBACK [WORK | TRANSACTION] TO [SAVEPOINT] name goes back to a savepoint and ends nothing. */
function classifyRollback(words: Words): Classified {
  if (words.at('prepared')) return control('ROLLBACK PREPARED');
  if (words.at('work') || words.at('transaction')) words.take();
  return words.at('to') ? plain : control('ROLLBACK');
}

function classifyCreate(words: Words): Classified {
  if (words.at('unique')) words.take();
  switch (words.take()) {
    case 'index':
      return words.at('concurrently') ? outside('CREATE INDEX CONCURRENTLY') : plain;
    case 'database':
      return outside('CREATE DATABASE');
    case 'tablespace':
      return outside('CREATE TABLESPACE');
    case 'subscription':
      return makesNoSlot(words) ? plain : outside('CREATE SUBSCRIPTION');
    default:
      return plain;
  }
}

/** Only the replication slot that CREATE SUBSCRIPTION makes on the other server cannot be rolled back. */
function makesNoSlot(words: Words): boolean {
  for (; !words.ended; words.take()) {
    if (!words.at('connect') && !words.at('create_slot')) continue;
    words.take();
    if (words.at('=')) words.take();
    if (words.isOff) return true;
  }
  return false;
}

function classifyDrop(words: Words): Classified {
  switch (words.take()) {
    case 'index':
      return words.at('concurrently') ? outside('DROP INDEX CONCURRENTLY') : plain;
    case 'database':
      return outside('DROP DATABASE');
    case 'tablespace':
      return outside('DROP TABLESPACE');
    case 'subscription':
      return outside('DROP SUBSCRIPTION');
    default:
      return plain;
  }
}

function classifyAlter(words: Words): Classified {
  switch (words.take()) {
    case 'system':
      return outside('ALTER SYSTEM');
    case 'database':
      return words.seek('set', 'tablespace') ? outside('ALTER DATABASE … SET TABLESPACE') : plain;
    case 'table':
      return words.seek('detach', 'partition') && words.seek('concurrently')
        ? outside('ALTER TABLE … DETACH PARTITION … CONCURRENTLY')
        : plain;
    case 'subscription':
      return words.seek('refresh', 'publication') ? outside('ALTER SUBSCRIPTION … REFRESH PUBLICATION') : plain;
    default:
      return plain;
  }
}

/** REINDEX [(option, …)] {INDEX | TABLE | SCHEMA | DATABASE | SYSTEM} [CONCURRENTLY]; the option may say it as well. */
function classifyReindex(words: Words): Classified {
  const optional = words.takeOptions().match(/\bconcurrently\b(?! '?(?:false|off|0)\b)/);
  const target = words.take();
  if (optional !== null || words.at('concurrently')) return outside('REINDEX CONCURRENTLY');
  const several = target === 'schema' || target === 'database' || target === 'system';
  return several ? outside(`REINDEX ${target.toUpperCase()}`) : plain;
}

/** CLUSTER without a table clusters all of them, each in a transaction of its own. */
function classifyCluster(words: Words): Classified {
  if (words.at('verbose')) words.take();
  words.takeOptions();
  return words.ended ? outside('CLUSTER') : plain;
}

/** A statement's tokens as lower-case words, one ahead. Quoted identifiers and strings keep their quotes. */
class Words {
  readonly #lexer: Lexer;
  #current = '';

  constructor(text: string, start: number, end: number) {
    this.#lexer = new Lexer(text, start, end);
    this.take();
  }

  get ended(): boolean {
    return this.#lexer.kind === 'end' || this.#lexer.kind === 'semicolon';
  }

  /** True where the word switches an option off. */
  get isOff(): boolean {
    return /^'?(?:false|off|0)'?$/.test(this.#current);
  }

  at(word: string): boolean {
    return this.#current === word;
  }

  atString(): boolean {
    this.take();
    return this.#lexer.kind === 'string';
  }

  /** Gives the word and moves to the next one. */
  take(): string {
    const taken = this.#current;
    this.#lexer.next();
    // Long tokens are strings and bodies: nothing is decided by them.
    this.#current = this.#lexer.end - this.#lexer.start > 64 ? '…' : this.#lexer.value().toLowerCase();
    return taken;
  }

  /** Passes over `(…)`, if one is next, and gives its words. */
  takeOptions(): string {
    if (this.#lexer.kind !== 'open') return '';
    const taken: string[] = [];
    while (!this.ended && !this.at(')')) taken.push(this.take());
    this.take();
    return taken.join(' ');
  }

  /** Moves behind the words in a row, wherever they come next; false: they do not come. */
  seek(first: string, second?: string): boolean {
    while (!this.ended) {
      if (this.take() === first && (second === undefined || this.at(second))) return true;
    }
    return false;
  }
}
