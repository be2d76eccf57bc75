/** What is there now: one snapshot per run, taken by the engine through the ports. */

import type { Failure } from './failure.ts';

/** A row of the ledger. */
export interface LedgerRow {
  readonly kind: 'revision' | 'seed';
  readonly id: string;
  readonly name: string;
  readonly parents: readonly string[];
  readonly checksum: string;
  /** `started` and `reverting` are left only by a text outside a transaction that did not finish. */
  readonly state: 'applied' | 'started' | 'reverting';
  /** Of a row that is `started`: the text that it was begun with; absent where that was too long to keep. */
  readonly begunText?: string | undefined;
  /** Statements finished so far, where the revision runs outside a transaction. */
  readonly statementsDone: number;
  /**
   * Of a row that is not `applied`: the statement, from 1 on, that an earlier run announced and neither recorded as done
   * nor as failed. It counts only where it comes right behind `statementsDone`.
   */
  readonly announced?: number | undefined;
  /** ISO 8601, the database's clock. */
  readonly appliedAt: string;
  /** In ms. */
  readonly duration: number;
  readonly role: string;
  readonly host: string;
  readonly orchVersion: string;
  readonly run: string;
  /** Revisions of other services that it was built on, such as `api-auth@002`. */
  readonly requires: readonly string[];
  /** Of the down text as it was when the revision was applied; undefined: it had none. */
  readonly downChecksum: string | undefined;
  /** File names, without a folder, as they were when it was applied. */
  readonly upFile: string;
  readonly downFile: string | undefined;
  /** What was put in for its variables; empty: it had none. */
  readonly variables: Readonly<Record<string, string>>;
  /** What a person should know of it, such as `stamped: taken over from flyway`; undefined: applied as usual. */
  readonly note: string | undefined;
  /** True: that its file is gone was accepted. */
  readonly fileGone: boolean;
}

/** The texts of a revision as they were when it was applied. */
export interface RecordedTexts {
  readonly name: string;
  readonly upFile: string;
  readonly downFile: string | undefined;
  /** Undefined: too long to be kept (over 1 MB); there is only its checksum. */
  readonly up: string | undefined;
  /** Undefined: there was none, or it was too long: the row's `downChecksum` tells. */
  readonly down: string | undefined;
}

export interface ObservedLedger {
  /** Version of the ledger's own layout. */
  readonly format: number;
  readonly rows: readonly LedgerRow[];
}

export interface ObservedExtension {
  readonly name: string;
  /** Undefined: not installed in this database. */
  readonly installed: string | undefined;
  /** Undefined: the server does not have it at all. */
  readonly available: string | undefined;
}

/** What is in a database, apart from what the system, extensions and orch made. */
export interface ObservedContents {
  readonly count: number;
  /** The first few, as SQL names them: tables before others. */
  readonly names: readonly string[];
}

export interface ObservedDatabase {
  readonly exists: boolean;
  readonly owner: string | undefined;
  /** Undefined: no ledger yet. */
  readonly ledger: ObservedLedger | undefined;
  /** What is there without a ledger; absent: nothing, or there is a ledger. */
  readonly contents?: ObservedContents | undefined;
  readonly extensions: readonly ObservedExtension[];
  /** Names of the wanted roles (owner first) that the server lacks. */
  readonly missingRoles: readonly string[];
  /** Roles that lack the access which the config gives them. */
  readonly rolesWithoutAccess: readonly string[];
  /** Why it takes no changes; absent: it takes them, or there was no session of the owner's to ask. */
  readonly takesNoChanges?: 'standby' | 'read-only' | undefined;
  /** `session_replication_role` where it is not `origin`: no trigger and no foreign key would be heeded. */
  readonly replicationRole?: string | undefined;
}

export type ContainerState = 'absent' | 'created' | 'running' | 'restarting' | 'exited' | 'paused' | 'dead';

export interface ObservedContainer {
  readonly state: ContainerState;
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** False: it was made from another image or config than the project has now. */
  readonly upToDate: boolean;
  /** Where the service answers, as seen from here. */
  readonly url: string | undefined;
  readonly image: string | undefined;
  /** True: the image must be built or pulled before the service can start. */
  readonly imageMissing: boolean;
  /** Container id or pid, short. */
  readonly id: string | undefined;
}

export interface ObservedService {
  readonly database: ObservedDatabase;
  /** Undefined: not looked at (`migrate` looks at no container). */
  readonly container: ObservedContainer | undefined;
}

export interface Observed {
  /** By service name; a failure where the service's database could not be looked at. */
  readonly services: ReadonlyMap<string, ObservedService | Failure>;
}

/** Who holds an advisory lock. */
export interface LockHolder {
  readonly pid: number;
  readonly application: string;
  readonly client: string;
  readonly role: string;
  /** ISO 8601: when the session began; empty: not ours to see. */
  readonly since: string;
  /** For how long it has not said anything, in ms; absent: it works, or that is not ours to see. */
  readonly silent?: number | undefined;
  /** True: it runs revisions, and the session that held the lock for that is gone: so is its orch. */
  readonly orphaned?: boolean | undefined;
}

/** A session that another one waits for; pid 0: a prepared transaction, which has none. */
export interface Blocker extends LockHolder {
  /** What it runs or ran last, on one line, shortened; undefined: not ours to see. */
  readonly query: string | undefined;
  /** As `pg_stat_activity` has it, such as `idle in transaction`; undefined: not ours to see. */
  readonly state: string | undefined;
}

/** What a reset would lose. */
export interface Loss {
  readonly database: string;
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly exact: boolean }[];
  /** In bytes. */
  readonly size: number;
  readonly sessions: readonly LockHolder[];
}

/** A session in a service's database, as far as it has to do with orch's locks, holds others up, or works for long. */
export interface DatabaseSession {
  readonly pid: number;
  readonly application: string;
  readonly client: string;
  readonly role: string;
  /** ISO 8601: when the session began; empty: not ours to see. */
  readonly since: string;
  /** ISO 8601: when its statement began, or, where none runs, its last change of state; undefined: not ours to see. */
  readonly began: string | undefined;
  /** Since `began`, in ms, by the server's clock. */
  readonly duration: number | undefined;
  /** As `pg_stat_activity` has it; undefined: not ours to see. */
  readonly state: string | undefined;
  /** What it runs, or ran last, on one line, shortened; undefined: not ours to see. */
  readonly query: string | undefined;
  /** Which of orch's locks it has: `database`, `transaction`, `preparation`. */
  readonly holds: readonly OrchLock[];
  /** Which of them it polls for. */
  readonly awaits: OrchLock | undefined;
  /** What it waits for inside a statement, such as `relation users (AccessExclusiveLock)`; undefined: nothing. */
  readonly waitsFor: string | undefined;
  /** Process ids of those who stand in its way. */
  readonly blockedBy: readonly number[];
}

export type OrchLock = 'database' | 'transaction' | 'preparation';
