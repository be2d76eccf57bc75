import type { StepOf } from '../core/plan.ts';
import { readIndexBuild } from '../core/sql/index-build.ts';
import { type LockLimit, LockLimits, needsStrongLock } from '../core/sql/strong-lock.ts';
import type { Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import { BlockerWatch } from './blocker-watch.ts';
import { IndexGuard } from './index-guard.ts';
import { LockPace } from './lock-pace.ts';
import { tryForLocks } from './lock-tries.ts';
import { throwIfStopped } from './stop.ts';
import type { TargetSession } from './target-session.ts';

/**
 * Sends the statements of a revision outside a transaction. Each that needs a strong lock has its time-out and is tried
 * again; what waits without harm has none, because a `lock_timeout` would leave an INVALID index behind (V14), unless
 * the revision itself asks for one.
 */
export class OutsideStatements {
  readonly #run: Run;
  readonly #target: TargetSession;
  readonly #step: StepOf<'apply-revision' | 'revert-revision'>;
  readonly #worker: Session;
  /** False: the revision says itself what holds for all of it. */
  readonly #setsLockTimeout: boolean;
  readonly #limits = new LockLimits();
  #lockTimeout = 0;

  constructor(
    run: Run,
    target: TargetSession,
    { step, worker }: { readonly step: StepOf<'apply-revision' | 'revert-revision'>; readonly worker: Session },
  ) {
    this.#run = run;
    this.#target = target;
    this.#step = step;
    this.#worker = worker;
    // PGlite has one session: nothing can be waited for, and a setting would be its services' too.
    this.#setsLockTimeout = step.revision.lockTimeout === undefined && target.location.sessions === 'many';
  }

  /** Sets what holds for the whole revision. */
  async begin(): Promise<void> {
    const { lockTimeout, statementTimeout } = new LockPace(this.#run.project, this.#step.revision).settings(1);
    if (this.#step.revision.lockTimeout !== undefined && lockTimeout > 0) await this.#set(lockTimeout);
    if (statementTimeout > 0) await this.#worker.run(`SET statement_timeout = ${Math.round(statementTimeout)}`);
  }

  /**
   * Sends one statement.
   * @param text the statement
   * @param send sends it, and may be called again where that is safe
   * @returns undefined: an earlier run has done it
   * @throws what `send` throws; Failure `revision-blocked`, `index-invalid`
   */
  async send<Result>(text: string, send: () => Promise<Result>): Promise<Result | undefined> {
    throwIfStopped(this.#run, this.#target);
    const inTransaction = this.#worker.transaction !== 'none';
    const limit = this.#limits.limit(text, inTransaction);
    if (inTransaction) return await send();
    if (needsStrongLock(text)) return await this.#sendStrong(send, limit);
    // A transaction of the revision's own is not tried again: it has the longest time-out at once.
    if (limit !== 'unchanged') await this.#limit(limit === 'transaction' ? this.#pace.longest.lockTimeout : 0);
    const watch = new BlockerWatch(this.#run, this.#target, this.#step, this.#worker, 0);
    try {
      return await this.#sendGuarded(text, send);
    } finally {
      watch.stop();
    }
  }

  get #pace(): LockPace {
    return new LockPace(this.#run.project, this.#step.revision);
  }

  async #sendStrong<Result>(send: () => Promise<Result>, limit: LockLimit): Promise<Result> {
    const tries = { run: this.#run, target: this.#target, step: this.#step, undoes: 'statement' } as const;
    return await tryForLocks(tries, async (attempt) => {
      if (limit !== 'unchanged') await this.#limit(attempt.settings.lockTimeout);
      attempt.watch(this.#worker);
      return await send();
    });
  }

  async #sendGuarded<Result>(text: string, send: () => Promise<Result>): Promise<Result | undefined> {
    const build = readIndexBuild(text);
    if (build === undefined) return await send();
    const guard = new IndexGuard(this.#run, this.#target, { step: this.#step, worker: this.#worker }, build);
    if (await guard.prepare()) return undefined;
    throwIfStopped(this.#run, this.#target);
    const result = await send();
    await guard.verify();
    return result;
  }

  async #limit(lockTimeout: number): Promise<void> {
    if (this.#setsLockTimeout && lockTimeout !== this.#lockTimeout) await this.#set(lockTimeout);
  }

  async #set(lockTimeout: number): Promise<void> {
    await this.#worker.run(`SET lock_timeout = ${Math.round(lockTimeout)}`);
    this.#lockTimeout = lockTimeout;
  }
}
