import type { Blocker } from '../core/observed.ts';
import type { StepOf } from '../core/plan.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import type { TargetSession } from './target-session.ts';

/** In ms. */
const SHORTEST_PERIOD = 20;
const LONGEST_PERIOD = 1_000;
/** A wait is told from this length on, and again after so long, or where it is for somebody else. */
const TELL_AFTER = 1_000;
const TELL_AGAIN = 10_000;

type TextStep = StepOf<'apply-revision' | 'revert-revision'>;

/**
 * Looks who blocks the worker, from the lock's session and while it waits: once it has given up, nobody blocks it any
 * more. Looks three times in a `lock_timeout`, so that the last look falls into the wait however late that began.
 */
export class BlockerWatch {
  readonly #run: Run;
  readonly #target: TargetSession;
  readonly #step: TextStep;
  readonly #worker: Session;
  readonly #period: number;
  readonly #stopped = new AbortController();
  #last: readonly Blocker[] = [];
  #since: number | undefined;
  #told: { readonly pids: string; readonly at: number } | undefined;

  /** @param lockTimeout in ms; 0: none */
  constructor(run: Run, target: TargetSession, step: TextStep, worker: Session, lockTimeout: number) {
    this.#run = run;
    this.#target = target;
    this.#step = step;
    this.#worker = worker;
    const third = lockTimeout === 0 ? LONGEST_PERIOD : lockTimeout / 3;
    this.#period = Math.min(Math.max(third, SHORTEST_PERIOD), LONGEST_PERIOD);
    // PGlite has one session: nobody can be in the way, and nobody else could ask.
    if (target.location.sessions === 'many') void this.#watch();
  }

  /** Who was seen last; empty: nobody. */
  get blockers(): readonly Blocker[] {
    return this.#last;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopped;
    for (;;) {
      await this.#run.ports.clock.sleep(this.#period, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        this.#see(await this.#run.ports.blockers.of(await this.#target.keeper(), this.#worker.pid));
      } catch (error) {
        // The loss of the keeper's session is told where the lock is asked for; there is nobody left to ask.
        if (error instanceof DatabaseError) return;
        throw error;
      }
    }
  }

  #see(blockers: readonly Blocker[]): void {
    const now = this.#run.ports.clock.now();
    if (blockers.length === 0) {
      this.#since = undefined;
      return;
    }
    this.#last = blockers;
    if (this.#stopped.signal.aborted) return;
    this.#since ??= now - this.#period;
    const waited = now - this.#since;
    const pids = blockers.map(({ pid }) => pid).join(' ');
    if (waited < TELL_AFTER) return;
    if (this.#told?.pids === pids && now - this.#told.at < TELL_AGAIN) return;
    this.#told = { pids, at: now };
    this.#run.ports.emit({ type: 'revision-blocked', step: this.#step, blockers, waited, retry: undefined });
  }
}
