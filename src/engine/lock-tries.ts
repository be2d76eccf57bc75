import { Failure, isFailure } from '../core/failure.ts';
import type { Blocker } from '../core/observed.ts';
import type { StepOf } from '../core/plan.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import { TRANSACTION_LOCK_BUSY, type TransactionSettings } from '../ports/ledger.ts';
import type { Run } from '../ports/run.ts';
import { BlockerWatch } from './blocker-watch.ts';
import { describeBlockers } from './describe-blockers.ts';
import { LockPace } from './lock-pace.ts';
import { inLockSession, throwIfStopped } from './stop.ts';
import type { TargetSession } from './target-session.ts';

type TextStep = StepOf<'apply-revision' | 'revert-revision'>;

/** What is tried again: a lock that was not to be had in time, and a deadlock. Neither says anything about the text. */
const RETRIED: ReadonlySet<string> = new Set(['55P03', '40P01']);

/** Pauses of the wait for another orch's transaction, in ms. */
const BUSY_PAUSE = 500;

export interface Tries {
  readonly run: Run;
  readonly target: TargetSession;
  readonly step: TextStep;
  /**
   * What fails is rolled back when `work` throws: `all` of the revision, or the `statement` alone, where earlier ones
   * stay. A try whose end is not known is never followed by another: it throws with `connection` true, or as
   * `outcome-unknown`.
   */
  readonly undoes: 'all' | 'statement';
}

/** One try of several. */
export interface Try {
  readonly settings: TransactionSettings;
  /** From now on the worker's blockers are looked for, until the try ends. */
  watch(worker: Session): void;
}

/**
 * Runs what needs locks, again and again while it cannot have them, within the revision's budget; no try is ever without
 * a limit where the policy has one. What is in the way is told before each try.
 * @param work begins and ends all that it does: called again, it does it anew
 * @throws Failure `revision-blocked` once the budget is used up, `lock-held` where another orch's transaction stays
 * open; what else `work` throws
 */
export async function tryForLocks<Result>(tries: Tries, work: (attempt: Try) => Promise<Result>): Promise<Result> {
  const { run, target, step } = tries;
  const pace = new LockPace(run.project, step.revision);
  const began = run.ports.clock.now();
  let busySince: number | undefined;
  for (let attempt = 1; ; attempt += 1) {
    throwIfStopped(run, target);
    const settings = pace.settings(attempt);
    let watch: BlockerWatch | undefined;
    try {
      return await work({
        settings,
        watch: (worker) => {
          watch = new BlockerWatch(run, target, step, worker, settings.lockTimeout);
        },
      });
    } catch (error) {
      const refusal = refusalOf(error, tries.undoes);
      if (refusal === undefined) throw error;
      if (refusal.sqlstate === TRANSACTION_LOCK_BUSY) {
        busySince ??= run.ports.clock.now();
        await awaitOther(tries, busySince);
        attempt -= 1;
        continue;
      }
      const made = { tries: attempt, waited: run.ports.clock.now() - began, blockers: watch?.blockers ?? [] };
      await pauseOrGiveUp(tries, pace, refusal, { ...made, lockTimeout: settings.lockTimeout });
    } finally {
      watch?.stop();
    }
  }
}

interface Refusal {
  readonly sqlstate: string;
  readonly message: string;
  readonly cause: DatabaseError | Failure<'sql-failed'>;
}

/** Undefined: trying again is of no use, or not safe. */
function refusalOf(error: unknown, undoes: Tries['undoes']): Refusal | undefined {
  const isOfText = isFailure(error, 'sql-failed');
  if (!isOfText && !(error instanceof DatabaseError && !error.connection)) return undefined;
  if (isOfText && error.details.partial && undoes === 'all') return undefined;
  const { sqlstate, message } = isOfText ? error.details : error;
  if (!RETRIED.has(sqlstate) && sqlstate !== TRANSACTION_LOCK_BUSY) return undefined;
  return { sqlstate, message, cause: error };
}

interface Made {
  readonly tries: number;
  readonly waited: number;
  readonly lockTimeout: number;
  readonly blockers: readonly Blocker[];
}

async function pauseOrGiveUp(tries: Tries, pace: LockPace, refusal: Refusal, last: Made): Promise<void> {
  const { run, target, step } = tries;
  const made = { ...last, blockers: await describeBlockers(run, target, last.blockers) };
  const { clock, random, emit } = run.ports;
  const left = pace.budget - made.waited;
  const pause = pace.pause(made.tries, random.next());
  // A try that would begin behind the budget is not made.
  if (pause >= left) throw blockedFailure(tries, refusal, made);
  const retry = { sqlstate: refusal.sqlstate, tries: made.tries, pause, left };
  emit({ type: 'revision-blocked', step, blockers: made.blockers, waited: made.waited, retry });
  // Prepared statements and session locks outlive a rollback.
  if (tries.undoes === 'all') target.resetWorker();
  await sleep(run, target, () => clock.sleep(pause, AbortSignal.any([run.signal, target.lost])));
}

/**
 * Does what takes the lock of orch's transactions, once no other one is open in the database.
 * @param work called again, it does it anew
 * @throws Failure `lock-held` where another orch's transaction stays open; what else `work` throws
 */
export async function onceOthersAreDone<Result>(
  run: Run,
  target: TargetSession,
  work: () => Promise<Result>,
): Promise<Result> {
  const began = run.ports.clock.now();
  for (;;) {
    throwIfStopped(run, target);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.sqlstate !== TRANSACTION_LOCK_BUSY) throw error;
      await awaitOther({ run, target }, began);
    }
  }
}

async function awaitOther({ run, target }: Pick<Tries, 'run' | 'target'>, since: number): Promise<void> {
  const { clock, random, blockers, emit } = run.ports;
  const { name: service, database } = target.service;
  const holder = await inLockSession(target, (keeper) => blockers.holder(keeper));
  const waited = clock.now() - since;
  if (waited >= run.project.policies.lockWait) {
    throw new Failure('lock-held', { service, database, holder, waited, of: 'transaction' });
  }
  emit({ type: 'lock-awaited', subject: { service, database }, holder, waited });
  const pause = BUSY_PAUSE * (0.2 + 0.8 * random.next());
  await sleep(run, target, () => clock.sleep(pause, AbortSignal.any([run.signal, target.lost])));
}

/** An interrupt, or the loss of the lock, ends the pause at once. */
async function sleep(run: Run, target: TargetSession, pause: () => Promise<void>): Promise<void> {
  try {
    await pause();
  } catch (error) {
    throwIfStopped(run, target);
    throw error;
  }
}

function blockedFailure({ target, step }: Tries, { sqlstate, message, cause }: Refusal, made: Made): Failure {
  const { name: service, database } = target.service;
  const text = cause instanceof Failure ? cause.details : undefined;
  const at = cause instanceof Failure ? cause.at : undefined;
  const details = {
    service,
    database,
    revision: step.revision.name,
    direction: step.kind === 'apply-revision' ? 'up' : 'down',
    sqlstate,
    message,
    statement: text?.statement,
    source: text?.source,
    ...made,
    partial: text?.partial ?? false,
    statementsDone: text?.statementsDone ?? 0,
  } as const;
  return new Failure('revision-blocked', details, at === undefined ? { cause } : { cause, at });
}
