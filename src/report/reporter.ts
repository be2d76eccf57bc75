import type { Event } from '../core/event.ts';
import type { Failure } from '../core/failure.ts';
import type { Outcome } from '../core/outcome.ts';

/** Tells what happens. Changes nothing, never throws, and takes events also after `close`, as plain lines. */
export interface Reporter {
  on(event: Event): void;
  /** Puts what is painted to rest, so that a question can be asked on the terminal; the next event paints again. */
  pause(): Promise<void>;
  /**
   * Ends the report: the summary and each failure in full. May be called again; a failure that was told is not told again.
   * @param outcome undefined: the command has none, or something was thrown; the failures seen so far are told
   */
  close(outcome: Outcome | undefined): Promise<void>;
  /** Tells a failure that ended the whole command. */
  fail(failure: Failure): Promise<void>;
}
