import { Failure } from '../core/failure.ts';
import type { StepOf } from '../core/plan.ts';
import { type RecordWay, recordWay, recordWayInBlock } from '../core/sql/record-way.ts';
import type { ScriptPart } from '../core/sql/script-parts.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import type { Announced } from '../ports/ledger.ts';
import type { Run } from '../ports/run.ts';
import { sendPart } from './run-script.ts';
import { inLockSession } from './stop.ts';
import type { TargetSession } from './target-session.ts';

/**
 * Sends the statements of a text outside a transaction, each so that the ledger has it as done where it is, and only
 * there. What cannot be recorded in the worker's session is recorded in the keeper's, which no SET of the file reaches: a
 * role, a time-out or `default_transaction_read_only` would keep it from being written (V11).
 */
export class StatementRecord {
  readonly #run: Run;
  readonly #target: TargetSession;
  readonly #step: StepOf<'apply-revision' | 'revert-revision'>;
  readonly #worker: Session;
  /** Statements of the text that the ledger has as done. */
  #done: number;

  constructor(
    run: Run,
    target: TargetSession,
    { step, worker }: { readonly step: StepOf<'apply-revision' | 'revert-revision'>; readonly worker: Session },
  ) {
    this.#run = run;
    this.#target = target;
    this.#step = step;
    this.#worker = worker;
    this.#done = step.resumeAt;
  }

  get done(): number {
    return this.#done;
  }

  /** Sends one statement; may be called again where the server has refused it. @throws DatabaseError; Failure `observed-changed` */
  async send(part: ScriptPart): Promise<void> {
    const isBlock = this.#worker.transaction !== 'none';
    const way = isBlock ? recordWayInBlock(part.text) : recordWay(part.text);
    if (way === 'together') await this.#sendTogether(part, isBlock);
    else await this.#sendAlone(part, way);
  }

  async #sendTogether(part: ScriptPart, isBlock: boolean): Promise<void> {
    const { revision } = this.#step;
    const done = part.statementsBefore + 1;
    const recorded = await this.#run.ports.ledger.runRecorded(this.#worker, part, revision, done);
    if (recorded === 'overtaken') throw new Failure('observed-changed', { service: this.#target.service.name });
    if (recorded === 'recorded') this.#done = done;
    // A block that could not write anything is over, and nothing is left to commit.
    else if (isBlock) await this.record(part);
    else await this.#sendAlone(part, recorded === 'refused' ? 'announced' : 'behind');
  }

  async #sendAlone(part: ScriptPart, way: RecordWay | undefined): Promise<void> {
    if (way === 'announced') await this.#sendAnnounced(part);
    else await sendPart(this.#worker, part);
    await this.record(part);
  }

  async #sendAnnounced(part: ScriptPart): Promise<void> {
    const { writer } = this.#run;
    const { ledger } = this.#run.ports;
    const direction = this.#step.kind === 'apply-revision' ? 'up' : 'down';
    const announced: Announced = { revision: this.#step.revision, direction, statement: part.statementsBefore + 1 };
    await inLockSession(this.#target, (keeper) => ledger.announce(keeper, announced, writer));
    try {
      await sendPart(this.#worker, part);
    } catch (error) {
      // Without an answer it stays announced: the server may have done it.
      const isRefused = error instanceof DatabaseError && !error.connection;
      if (isRefused) await inLockSession(this.#target, (keeper) => ledger.withdraw(keeper, announced, writer));
      throw error;
    }
  }

  /** Records that it is done, where no transaction of the text's own is open and that is not recorded yet. */
  async record(part: ScriptPart): Promise<void> {
    const done = part.statementsBefore + 1;
    if (done <= this.#done || this.#worker.transaction !== 'none') return;
    await inLockSession(this.#target, (keeper) => this.#run.ports.ledger.progress(keeper, this.#step.revision, done));
    this.#done = done;
  }
}
