import type { Project } from '../core/project.ts';
import type { Revision } from '../core/revision.ts';
import type { TransactionSettings } from '../ports/ledger.ts';

/** Each `lock_timeout` is half as long again as the one before, up to so many times the first. */
const GROWTH = 1.5;
const MOST_GROWTH = 4;
/** The pause behind the first try, and the longest one, in ms: each may be twice as long as the one before. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 15_000;

/**
 * How long a revision may wait for its locks, and when it is tried again: while it waits, all that comes behind it waits
 * too (V13), so each wait is short, and the pauses between let the application through.
 */
export class LockPace {
  /** For how long tries may begin, in ms. */
  readonly budget: number;
  readonly #first: number;
  readonly #fixed: boolean;
  readonly #statementTimeout: number;

  constructor({ policies }: Pick<Project, 'policies'>, revision: Revision) {
    this.#first = revision.lockTimeout ?? policies.lockTimeout;
    // What a file says itself is meant as it stands.
    this.#fixed = revision.lockTimeout !== undefined;
    this.#statementTimeout = revision.statementTimeout ?? policies.statementTimeout;
    this.budget = revision.lockRetry ?? policies.lockRetry;
  }

  /** Of a try, counted from 1. */
  settings(attempt: number): TransactionSettings {
    const growth = this.#fixed ? 1 : Math.min(GROWTH ** (attempt - 1), MOST_GROWTH);
    return { lockTimeout: Math.round(this.#first * growth), statementTimeout: this.#statementTimeout };
  }

  /** Of the longest try: for a script, which tries but once. */
  get longest(): TransactionSettings {
    return this.settings(Number.MAX_SAFE_INTEGER);
  }

  /**
   * The pause behind a try, in ms: anything up to its limit (full jitter), so that those who stand in each other's way
   * do not come back in step.
   * @param chance from 0 to 1
   */
  pause(attempt: number, chance: number): number {
    return Math.round(chance * Math.min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE));
  }
}
