import type { Failure } from './failure.ts';

/** How one service ended. */
export interface ServiceOutcome {
  readonly service: string;
  readonly database: string;
  readonly status: 'done' | 'unchanged' | 'failed' | 'not-started';
  /** Names of the applied heads after the run; undefined: not known. */
  readonly heads: readonly string[] | undefined;
  /** Names of what this run applied, in order. */
  readonly applied: readonly string[];
  /** Names of the seeds that this run applied. */
  readonly seeded: readonly string[];
  /** Names of what this run reverted, in order. */
  readonly reverted: readonly string[];
  /** Names that a stamp or an accept wrote or took out of the ledger. */
  readonly stamped: readonly string[];
  readonly url: string | undefined;
  /** The service's container or process; undefined: the command does not look at it. */
  readonly container: 'running' | 'started' | 'untouched' | undefined;
  /** ms */
  readonly duration: number;
}

/** What a whole run came to; the exit code follows from it alone. */
export interface Outcome {
  readonly command: string;
  /** What the databases were to be brought to, where that was not `head`. */
  readonly target?: string | undefined;
  readonly services: readonly ServiceOutcome[];
  readonly failures: readonly Failure[];
  /** True: there was nothing to do. */
  readonly unchanged: boolean;
  readonly interrupted: 'SIGINT' | 'SIGTERM' | undefined;
  /** ms */
  readonly duration: number;
}
