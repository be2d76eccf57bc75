import pLimit from 'p-limit';
import { Failure } from '../core/failure.ts';
import type { Plan, Step } from '../core/plan.ts';
import type { Run } from '../ports/run.ts';
import { performStep } from './steps.ts';
import type { TargetSessions } from './target-sessions.ts';

type StepResult = 'done' | 'failed' | 'skipped' | 'stale';

/** How each step of a plan ended. */
export interface Execution {
  /** By step id. */
  readonly results: ReadonlyMap<string, StepResult>;
  /** What done steps had to say, such as a service's URL, by step id. */
  readonly notes: ReadonlyMap<string, string>;
  /** How long each step worked, in ms, by step id. */
  readonly durations: ReadonlyMap<string, number>;
  readonly failures: readonly { readonly step: Step; readonly failure: Failure }[];
  /** True: somebody else changed a database between the observation and our lock; observe and plan again. */
  readonly stale: boolean;
}

/**
 * Walks the plan: each step runs as soon as all that it waits for is done, so many databases at a time as the policy allows.
 * Decides nothing: what a step waited for failed → it is skipped. Never throws for a `Failure`; a bug is thrown on.
 */
export async function execute(
  run: Run,
  sessions: TargetSessions,
  plan: Plan,
  options: { readonly failFast: boolean },
): Promise<Execution> {
  const walk = new Walk(run, sessions, options.failFast);
  // Steps are listed behind those they wait for, so that each finds its predecessors' promises.
  const ends = plan.steps.map((step) => walk.begin(step));
  // All are awaited even if one throws a bug: nothing may go on in the background after this function.
  const settled = await Promise.allSettled(ends);
  const bug = settled.find((end) => end.status === 'rejected');
  if (bug !== undefined) throw bug.reason;
  return walk.execution();
}

class Walk {
  readonly #run: Run;
  readonly #sessions: TargetSessions;
  readonly #failFast: boolean;
  readonly #limit: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #results = new Map<string, StepResult>();
  readonly #notes = new Map<string, string>();
  readonly #durations = new Map<string, number>();
  readonly #ends = new Map<string, Promise<StepResult>>();
  readonly #failures: { readonly step: Step; readonly failure: Failure }[] = [];

  constructor(run: Run, sessions: TargetSessions, failFast: boolean) {
    this.#run = run;
    this.#sessions = sessions;
    this.#failFast = failFast;
    this.#limit = pLimit(Math.max(1, run.project.policies.concurrency));
  }

  begin(step: Step): Promise<StepResult> {
    const end = this.#walk(step);
    this.#ends.set(step.id, end);
    return end;
  }

  async #walk(step: Step): Promise<StepResult> {
    const before = await Promise.all(step.after.map((id) => this.#ends.get(id) ?? 'done'));
    const result = before.every((end) => end === 'done')
      ? await this.#within(step, () => this.#perform(step))
      : this.#skip(step, before.includes('stale') ? 'stale' : 'skipped');
    this.#results.set(step.id, result);
    return result;
  }

  /**
   * A wait keeps no database busy, and must not keep other databases waiting: two runs, each with all its places taken
   * by waits for the other's locks, would wait for each other.
   */
  #within<T>(step: Step, work: () => Promise<T>): Promise<T> {
    return step.kind === 'wait-healthy' || step.kind === 'acquire-lock' ? work() : this.#limit(work);
  }

  #skip(step: Step, result: 'stale' | 'skipped'): StepResult {
    if (result === 'skipped') this.#run.ports.emit({ type: 'step-skipped', step, because: this.#whySkipped() });
    return result;
  }

  #whySkipped(): 'interrupted' | 'fail-fast' | 'earlier-failure' {
    if (this.#run.signal.aborted) return 'interrupted';
    return this.#failFast && this.#failures.length > 0 ? 'fail-fast' : 'earlier-failure';
  }

  async #perform(step: Step): Promise<StepResult> {
    const { emit, clock } = this.#run.ports;
    if (this.#run.signal.aborted || (this.#failFast && this.#failures.length > 0)) return this.#skip(step, 'skipped');
    const began = clock.now();
    emit({ type: 'step-started', step });
    try {
      const note = await performStep(this.#run, this.#sessions, step);
      if (note !== undefined) this.#notes.set(step.id, note);
      emit({ type: 'step-finished', step, duration: clock.now() - began, note });
      return 'done';
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return this.#fail(step, error, clock.now() - began);
    } finally {
      this.#durations.set(step.id, clock.now() - began);
    }
  }

  #fail(step: Step, failure: Failure, duration: number): StepResult {
    if (failure.code === 'observed-changed') return 'stale';
    this.#failures.push({ step, failure });
    this.#run.ports.emit({ type: 'step-failed', step, failure, duration });
    return 'failed';
  }

  execution(): Execution {
    const stale = [...this.#results.values()].includes('stale');
    return {
      results: this.#results,
      notes: this.#notes,
      durations: this.#durations,
      failures: this.#failures,
      stale,
    };
  }
}
