import type { Fault } from './fault.ts';
import type { Blocker, LockHolder } from './observed.ts';
import type { Difference } from './schema/diff.ts';

/** What was wrong with the history of one service. */
export type Verdict =
  | {
      readonly kind: 'changed';
      readonly revision: string;
      readonly file: string;
      readonly recorded: string;
      readonly found: string /** It stopped half way, after so many statements; absent: it is applied. */;
      readonly statementsDone?: number;
    }
  | { readonly kind: 'missing'; readonly revision: string; readonly appliedAt: string }
  | { readonly kind: 'out-of-order'; readonly revision: string; readonly file: string; readonly head: string };

export interface DivergedHead {
  readonly name: string;
  readonly file: string;
  readonly author: string | undefined;
  /** ISO 8601. */
  readonly created: string | undefined;
}

/** The facts of each expected fault. Words are in `report/phrases.ts`. */
export interface FailureDetails {
  /** `next`: what to type; absent: the help. */
  'usage-invalid': { readonly message: string; readonly next?: string };
  'config-not-found': { readonly searched: readonly string[] };
  'config-invalid': { readonly faults: readonly Fault[] };
  'service-unknown': { readonly name: string; readonly known: readonly string[]; readonly nearest: string | undefined };
  /** A file is to be written, and nothing says for which service. */
  'service-ambiguous': { readonly command: string; readonly known: readonly string[] };
  /** A revision that is applied keeps its name. */
  'revision-applied': {
    readonly service: string;
    readonly database: string;
    readonly revisions: readonly { readonly name: string; readonly appliedAt: string }[];
  };
  /** Whether a revision is applied can't be asked. */
  'rebase-unchecked': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly reason: string;
  };
  'file-not-written': {
    /** Absolute path. */
    readonly file: string;
    readonly reason: string;
    /** True: the name is taken. */
    readonly exists: boolean;
  };
  'editor-failed': {
    readonly command: string;
    readonly reason: string /** Absolute paths. */;
    readonly files: readonly string[];
  };
  'revision-invalid': { readonly service: string; readonly faults: readonly Fault[] };
  'revision-not-found': {
    readonly service: string;
    readonly target: string /** The most similar first. */;
    readonly nearest: readonly string[];
  };
  /** Several revisions could be meant: by a prefix or number, by a step where the history forks, by a label with two heads. */
  'revision-ambiguous': { readonly service: string; readonly target: string; readonly candidates: readonly string[] };
  /** `+5` or `-5` where there are fewer; `available` is how many there are, from `from` (`base` or names) on. */
  'revision-out-of-range': {
    readonly service: string;
    readonly target: string;
    readonly from: string;
    readonly available: number;
  };
  /** The lower end of a range is not below its upper end. */
  'range-invalid': { readonly service: string; readonly lower: string; readonly upper: string };
  'heads-diverged': { readonly service: string; readonly heads: readonly DivergedHead[] };
  /** A downgrade to what is not applied. */
  'revision-not-applied': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly heads: readonly string[];
  };
  'revision-without-down': {
    readonly service: string;
    readonly database: string;
    readonly revisions: readonly string[];
  };
  'revision-irreversible': {
    readonly service: string;
    readonly database: string;
    readonly revisions: readonly { readonly name: string; readonly reason: string }[];
  };
  /** The down text that was recorded is needed, because the file is another now or gone, but only its checksum was kept. */
  'down-not-recorded': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly file: string;
    readonly checksum: string;
  };
  /** Revisions of other services that are applied were built on one that is to be reverted. */
  'revision-required': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly by: readonly { readonly service: string; readonly revision: string }[];
  };
  /** A revision of another service must be applied first, and nothing in this run will do that. */
  'requirement-unmet': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly requires: string;
    readonly why:
      | 'unknown-service'
      | 'unknown-revision'
      | 'ambiguous'
      | 'not-selected'
      | 'not-in-target'
      | 'not-observed';
    /** Names that may have been meant. */
    readonly candidates: readonly string[];
  };
  /** Steps that wait for each other, as `service@revision`, the first one repeated at the end. */
  'requirement-cycle': { readonly service: string; readonly database: string; readonly path: readonly string[] };
  /** Nothing about the revision needs to be accepted. */
  'nothing-to-accept': {
    readonly service: string;
    readonly revision: string;
    readonly why: 'unchanged' | 'not-applied' | 'out-of-order';
  };
  'database-missing': { readonly service: string; readonly database: string };
  /** There is no ledger, and yet something is there: nobody said that the revisions may run on it. */
  'database-not-empty': {
    readonly service: string;
    readonly database: string;
    /** How many tables, types, functions, … there are. */
    readonly count: number;
    /** The first few, as SQL names them. */
    readonly names: readonly string[];
  };
  /** What is there is what none of the revisions leaves. */
  'baseline-unmatched': {
    readonly service: string;
    readonly database: string;
    /** Names of the heads of the nearest, of which the differences are; empty: base. */
    readonly nearest: readonly string[];
    readonly differences: readonly Difference[];
  };
  /** A database that is to be taken for what is wanted has not even what the revisions leave. */
  'not-at-head': {
    readonly service: string;
    readonly database: string;
    /** Names of revisions that are not applied, parents first; empty: there is not even a ledger. */
    readonly pending: readonly string[];
    /** True: the wanted schema could be taken from files instead. */
    readonly hasSchema: boolean;
  };
  /** Statements that cannot be tried in another database of the server, because they change the server itself. */
  'replay-unsafe': { readonly service: string; readonly database: string; readonly faults: readonly Fault[] };
  /** A database that was made to be thrown away is still there. */
  'throwaway-left': { readonly service: string; readonly database: string; readonly reason: string };
  'history-conflict': { readonly service: string; readonly database: string; readonly verdicts: readonly Verdict[] };
  'ledger-too-new': {
    readonly service: string;
    readonly database: string;
    readonly format: number;
    readonly supported: number;
  };
  'revision-interrupted': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly direction: 'up' | 'down';
    readonly statementsDone: number;
  };
  /** A run ended between such a statement and its record: whether it was done is not known. */
  'statement-unclear': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly direction: 'up' | 'down';
    /** From 1 on. */
    readonly statement: number;
  };
  'lock-held': {
    readonly service: string;
    readonly database: string;
    readonly holder: LockHolder | undefined /** ms */;
    readonly waited: number;
    /** `transaction`: the database's lock is ours, and another transaction of orch is open there all the same. */
    readonly of?: 'transaction';
  };
  /** `reason`: what the server or the network said when it ended that session; absent: nothing. */
  'lock-lost': { readonly service: string; readonly database: string; readonly reason?: string };
  'server-unreachable': {
    readonly server: string;
    readonly host: string;
    readonly port: number;
    readonly database: string | undefined;
    /** Whose login was tried. */
    readonly role?: string;
    /** The probe that did not pass. */
    readonly probe: Probe;
    readonly reason: string;
    readonly sqlstate: string | undefined;
    /** ms */
    readonly waited: number;
  };
  /** What answers is no PostgreSQL but a pooler before it, and no session there is one's own. */
  'pooler-refused': {
    readonly host: string;
    readonly port: number;
    readonly database: string;
    /**
     * `startup-parameter`: it refused orch's settings; `other-backend`: who answers is not whom the log-in named;
     * `shared-backend`: two sessions have the same one.
     */
    readonly sign: 'startup-parameter' | 'other-backend' | 'shared-backend';
    readonly reason: string;
  };
  /** The server was reached, and takes no changes (any more). */
  'server-not-writable': {
    readonly service: string;
    readonly database: string;
    readonly host: string;
    readonly port: number;
    readonly why: 'standby' | 'read-only';
    readonly during: string;
  };
  'connection-lost': {
    readonly service: string;
    readonly database: string;
    readonly during: string;
    readonly reason: string;
  };
  'outcome-unknown': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly reason: string;
    readonly wanted: 'applied' | 'reverted';
    /** Process id of the session that was committing, where it is still at work. */
    readonly backend: number | undefined;
  };
  'prerequisite-unmet': {
    readonly service: string;
    readonly database: string;
    readonly what:
      | 'extension-unavailable'
      | 'extension-too-old'
      | 'database-owner'
      | 'admin-needed'
      | 'privilege'
      | 'setting'
      | 'role-unlimited';
    readonly name: string;
    readonly wanted: string;
    readonly found: string;
  };
  'sql-failed': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly direction: 'up' | 'down';
    readonly sqlstate: string;
    readonly message: string;
    readonly detail: string | undefined;
    readonly serverHint: string | undefined;
    readonly where: string | undefined;
    /** The statement, shortened; undefined where only the file is known. */
    readonly statement: string | undefined;
    /** The line with the fault, for the caret. */
    readonly source: string | undefined;
    /** True: statements before this one stay; false: all of it was rolled back. */
    readonly partial: boolean;
    readonly statementsDone: number;
  };
  /** A lock was not to be had, or a deadlock came back, in every try. */
  'revision-blocked': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly direction: 'up' | 'down';
    /** 55P03 or 40P01 */
    readonly sqlstate: string;
    readonly message: string;
    readonly statement: string | undefined;
    readonly source: string | undefined;
    /** Who it waited for; empty: they could not be seen. */
    readonly blockers: readonly Blocker[];
    readonly tries: number;
    /** From the first try to the end of the last one, in ms. */
    readonly waited: number;
    /** `lock_timeout` of the last try, in ms; 0: none. */
    readonly lockTimeout: number;
    /** As in `sql-failed`. */
    readonly partial: boolean;
    readonly statementsDone: number;
  };
  /** An index is not what its statement was to build, and is not ours to take away. */
  'index-invalid': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly direction: 'up' | 'down';
    /** With its schema, as SQL takes it. */
    readonly index: string;
    readonly table: string;
    /** `left`: the statement left it so; `other-table`: what has the name is no index of that table. */
    readonly why: 'invalid' | 'left' | 'other-table';
  };
  /** The server refused a statement of orch's own, outside any revision. */
  'step-refused': {
    readonly service: string;
    readonly database: string;
    readonly during: string;
    readonly sqlstate: string;
    readonly message: string;
    readonly serverHint: string | undefined;
  };
  'revision-code-failed': {
    readonly service: string;
    readonly database: string;
    readonly revision: string;
    readonly direction: 'up' | 'down';
    readonly message: string;
    /** The line with the fault, for the caret. */
    readonly source?: string | undefined;
    /** True: it runs outside a transaction, and batches before stay; absent: all of it was rolled back. */
    readonly partial?: boolean;
  };
  'service-unhealthy': {
    readonly service: string;
    readonly state: string;
    readonly url: string | undefined;
    readonly lastAnswer: string | undefined;
    readonly logTail: readonly string[];
    /** ms */
    readonly waited: number;
  };
  'service-not-started': { readonly service: string; readonly reason: string; readonly logTail: readonly string[] };
  'image-build-failed': { readonly service: string; readonly outputTail: readonly string[] };
  'image-missing': { readonly service: string; readonly image: string; readonly reason: string };
  'port-taken': { readonly service: string; readonly address: string };
  'compose-invalid': { readonly files: readonly string[]; readonly message: string };
  'docker-unavailable': {
    /** `engine-lost`: it answered earlier in this run, so that containers may have been touched. */
    readonly what: 'no-engine' | 'no-compose' | 'engine-lost';
    readonly reason: string;
    readonly tried: readonly string[];
  };
  'local-state-locked': { readonly pid: number; readonly folder: string };
  'reset-refused': { readonly database: string; readonly environment: string };
  'reset-unknown': { readonly name: string; readonly known: readonly string[]; readonly nearest: string | undefined };
  'approval-missing': {
    /** The database of `reset`, the target of `downgrade`, the service of `baseline`. */
    readonly what: string;
    readonly command: 'reset' | 'downgrade' | 'baseline';
    /** Names of the services that the command was for; empty: all of them. */
    readonly services: readonly string[];
  };
  /** A session is to be ended, and no database of these services has it. */
  'session-not-found': { readonly pid: number; readonly databases: readonly string[] };
  /** Nobody said yes to ending a session. */
  'session-not-approved': { readonly pid: number; readonly action: 'cancel' | 'terminate' };
  'observed-changed': { readonly service: string };
  interrupted: { readonly signal: 'SIGINT' | 'SIGTERM' };
}

export type FailureCode = keyof FailureDetails;

/** What is asked of a server before it counts as ready, in the order asked. */
export type Probe = 'resolve' | 'tcp' | 'login' | 'startup' | 'primary' | 'writable';

export interface FailurePlace {
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/** An expected fault: facts only. Anything thrown that is no `Failure` is a bug. */
export class Failure<C extends FailureCode = FailureCode> extends Error {
  readonly code: C;
  readonly details: FailureDetails[C];
  readonly at: FailurePlace | undefined;

  constructor(code: C, details: FailureDetails[C], options: { cause?: unknown; at?: FailurePlace } = {}) {
    super(code, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.details = details;
    this.at = options.at;
  }
}

/** True for a failure of that code; narrows `details`. */
export function isFailure<C extends FailureCode>(error: unknown, code: C): error is Failure<C> {
  return error instanceof Failure && error.code === code;
}
