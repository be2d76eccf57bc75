import { planBatches } from '../core/batch-query.ts';
import { BatchMark, type RecordedAction, type RecordedCode } from '../core/recorded-code.ts';
import { type FormattedSql, formatFragment, identifier, type SqlFragment, sql } from '../core/sql/fragment.ts';
import type { Batch, BatchSource, HandleResult, RevisionConfig, RevisionHandle } from '../ports/revision-handle.ts';
import type { RevisionFunction } from '../ports/revision-store.ts';

/**
 * Runs a revision's code without a database, and writes down what it would send. Code that looks at what a query gives
 * does something that depends on the data: that cannot be written down, and is said.
 */
export async function recordCode(code: RevisionFunction, config: RevisionConfig): Promise<RecordedCode> {
  const recorder = new Recorder(config);
  try {
    await code(recorder.handle());
  } catch (error) {
    recorder.refuse(error instanceof Error ? error.message : String(error));
  }
  return recorder.reason === undefined ? { actions: recorder.actions } : { reason: recorder.reason };
}

class Recorder {
  readonly actions: RecordedAction[] = [];
  reason: string | undefined;
  readonly #config: RevisionConfig;
  /** Statements of the batch that is being written down. */
  #batch: FormattedSql[] | undefined;
  #walks = 0;

  constructor(config: RevisionConfig) {
    this.#config = config;
  }

  /** The first reason counts: the code may have caught it and gone on. */
  refuse(reason: string): void {
    this.reason ??= reason;
  }

  handle(): RevisionHandle {
    const note = (text: string): void => void this.actions.push({ kind: 'note', text });
    return {
      query: async (statement, parameters) => this.#query(statement, parameters),
      sql,
      identifier,
      batches: async (source, work) => this.#batches(source, work as (batch: Batch) => Promise<unknown>),
      progress: () => undefined,
      config: this.#config,
      log: { info: note, warn: note },
    };
  }

  #query<Row>(statement: string | SqlFragment, parameters: readonly unknown[] = []): HandleResult<Row> {
    const found = typeof statement === 'string' ? { text: statement, parameters } : formatFragment(statement);
    if (this.#batch === undefined) this.actions.push({ kind: 'statement', statement: found });
    else this.#batch.push(found);
    return this.#unknown({}, 'what a query gives') as HandleResult<Row>;
  }

  async #batches(source: BatchSource, work: (batch: Batch) => Promise<unknown>): Promise<{ readonly rows: number }> {
    if (this.#batch !== undefined) throw new Error('batches within batches');
    this.#walks += 1;
    const statements: FormattedSql[] = [];
    this.#batch = statements;
    const marks = { keys: new BatchMark('keys'), first: new BatchMark('first'), last: new BatchMark('last') };
    await work(this.#unknown(marks, 'the rows of a batch') as Batch);
    this.#batch = undefined;
    const plan = { ...planBatches(source), columns: [source.key] };
    this.actions.push({ kind: 'batches', name: source.name ?? String(this.#walks), plan, statements });
    return this.#unknown({}, 'how many rows there were') as { readonly rows: number };
  }

  /** Has only these properties; looking at another one shows that the code depends on data. */
  #unknown(known: Readonly<Record<string, unknown>>, what: string): object {
    return new Proxy(known, {
      get: (target, property) => {
        if (typeof property === 'symbol' || property === 'then') return undefined;
        if (property in target) return this.#guarded(target[property]);
        this.refuse(`it looks at ${what}`);
        throw new Error(`it looks at ${what}`);
      },
    });
  }

  /** A mark may be handed on as a parameter, and nothing else. */
  #guarded(mark: unknown): unknown {
    if (!(mark instanceof BatchMark)) return mark;
    return new Proxy(mark, {
      get: (target, property, receiver) => {
        if (property === 'of') return target.of;
        if (typeof property === 'symbol') {
          if (property !== Symbol.iterator && property !== Symbol.toPrimitive)
            return Reflect.get(target, property, receiver);
        }
        this.refuse('it looks at the keys of a batch');
        throw new Error('it looks at the keys of a batch');
      },
    });
  }
}
