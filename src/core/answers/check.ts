import type { Failure } from '../failure.ts';
import type { Finding } from '../findings.ts';

/** What `check` found out of one service. */
export interface ServiceCheck {
  readonly service: string;
  readonly database: string;
  /** Names of the applied heads; empty: nothing is applied, or that is not known. */
  readonly heads: readonly string[];
  /** Empty, and no failure: all is as it should be. */
  readonly findings: readonly Finding[];
  /** Why the database could not be checked. */
  readonly failure: Failure | undefined;
}
