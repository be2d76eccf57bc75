import type { Failure } from '../failure.ts';

/** A revision as its file says; of one whose file is gone, as the ledger says. */
export interface HistoryEntry {
  readonly name: string;
  readonly message: string;
  /** ISO 8601. */
  readonly created: string | undefined;
  readonly author: string | undefined;
  readonly parents: readonly string[];
  readonly labels: readonly string[];
  /** Such as `api-auth@002`. */
  readonly requires: readonly string[];
  readonly isHead: boolean;
  /** Absolute; undefined: its file is gone. */
  readonly file: string | undefined;
  /** `started` and `reverting`: it stopped half way. Undefined: the database could not be asked. */
  readonly state: 'applied' | 'pending' | 'started' | 'reverting' | undefined;
  /** ISO 8601, the database's clock. */
  readonly appliedAt: string | undefined;
  /** ms */
  readonly duration: number | undefined;
  readonly role: string | undefined;
  /** Such as `stamped: taken over from flyway`. */
  readonly note: string | undefined;
}

/** What a service's files and its ledger say of its revisions. */
export interface ServiceHistory {
  readonly service: string;
  readonly database: string;
  /** The newest first: children before parents. */
  readonly revisions: readonly HistoryEntry[];
  readonly failure: Failure | undefined;
}

/** Where several ways begin in a history. */
export interface Branch {
  /** The revision it begins with. */
  readonly revision: string;
  /** Empty: it begins at the base. */
  readonly parents: readonly string[];
  readonly labels: readonly string[];
  /** Names of the heads above it. */
  readonly heads: readonly string[];
}

/** What a service's files lead up to. */
export interface ServiceFiles {
  readonly service: string;
  readonly heads: readonly HistoryEntry[];
  readonly branches: readonly Branch[];
  readonly failure: Failure | undefined;
}
