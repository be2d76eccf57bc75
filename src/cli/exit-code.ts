import type { Failure, FailureCode } from '../core/failure.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';

/** What `orch` ends with; the README documents the numbers. */
export const exitCodes = {
  /** Done, or nothing to do. */
  done: 0,
  /** Something that is no `Failure` was thrown: our mistake. */
  bug: 1,
  /** The command line, the config, a file or a prerequisite is not as it must be; nothing was run. */
  usage: 2,
  /** `status` found something pending. */
  findings: 3,
  /** Another orch is at work. */
  lockBusy: 4,
  /** A revision failed and was rolled back. */
  revisionFailed: 5,
  /** A part is done: a revision outside a transaction stopped half way, or failures of several kinds. */
  partial: 6,
  /** Ledger and revision files disagree. */
  historyConflict: 7,
  databaseUnreachable: 8,
  /** Whether the last revision was committed is not known. */
  outcomeUnknown: 9,
  /** A service is not healthy, not started, or its image or port is not to be had. */
  serviceUnhealthy: 11,
  dockerUnavailable: 12,
  /** 128 + the signal's number, as shells report it. */
  SIGINT: 130,
  SIGTERM: 143,
} as const;

type CodeTable = { readonly [C in FailureCode]: number | ((failure: Failure<C>) => number) };

/** Every failure has its exit code: a new code without one does not compile. */
const codes: CodeTable = {
  'usage-invalid': exitCodes.usage,
  'config-not-found': exitCodes.usage,
  'config-invalid': exitCodes.usage,
  'service-unknown': exitCodes.usage,
  'service-ambiguous': exitCodes.usage,
  'revision-applied': exitCodes.historyConflict,
  'rebase-unchecked': exitCodes.databaseUnreachable,
  'file-not-written': exitCodes.usage,
  'editor-failed': exitCodes.usage,
  'revision-invalid': exitCodes.usage,
  'revision-not-found': exitCodes.usage,
  'revision-ambiguous': exitCodes.usage,
  'revision-out-of-range': exitCodes.usage,
  'range-invalid': exitCodes.usage,
  'revision-not-applied': exitCodes.usage,
  'revision-without-down': exitCodes.usage,
  'revision-irreversible': exitCodes.usage,
  'down-not-recorded': exitCodes.historyConflict,
  'revision-required': exitCodes.usage,
  'requirement-unmet': exitCodes.usage,
  'requirement-cycle': exitCodes.usage,
  'nothing-to-accept': exitCodes.usage,
  'database-missing': exitCodes.usage,
  'database-not-empty': exitCodes.historyConflict,
  'baseline-unmatched': exitCodes.historyConflict,
  'not-at-head': exitCodes.usage,
  'replay-unsafe': exitCodes.usage,
  'throwaway-left': exitCodes.databaseUnreachable,
  'heads-diverged': exitCodes.historyConflict,
  'history-conflict': exitCodes.historyConflict,
  'ledger-too-new': exitCodes.historyConflict,
  'revision-interrupted': exitCodes.partial,
  'statement-unclear': exitCodes.partial,
  'lock-held': exitCodes.lockBusy,
  'lock-lost': exitCodes.databaseUnreachable,
  'server-unreachable': exitCodes.databaseUnreachable,
  'pooler-refused': exitCodes.usage,
  'server-not-writable': exitCodes.databaseUnreachable,
  'connection-lost': exitCodes.databaseUnreachable,
  'outcome-unknown': exitCodes.outcomeUnknown,
  'prerequisite-unmet': exitCodes.usage,
  'sql-failed': ({ details }) => (details.partial ? exitCodes.partial : exitCodes.revisionFailed),
  'revision-blocked': ({ details }) => (details.partial ? exitCodes.partial : exitCodes.revisionFailed),
  'index-invalid': exitCodes.partial,
  'step-refused': exitCodes.revisionFailed,
  'revision-code-failed': ({ details }) => (details.partial === true ? exitCodes.partial : exitCodes.revisionFailed),
  'service-unhealthy': exitCodes.serviceUnhealthy,
  'service-not-started': exitCodes.serviceUnhealthy,
  'image-build-failed': exitCodes.serviceUnhealthy,
  'image-missing': exitCodes.serviceUnhealthy,
  'port-taken': exitCodes.serviceUnhealthy,
  'compose-invalid': exitCodes.usage,
  'docker-unavailable': exitCodes.dockerUnavailable,
  'local-state-locked': exitCodes.lockBusy,
  'reset-refused': exitCodes.usage,
  'reset-unknown': exitCodes.usage,
  'approval-missing': exitCodes.usage,
  'session-not-found': exitCodes.usage,
  'session-not-approved': exitCodes.usage,
  'observed-changed': exitCodes.lockBusy,
  interrupted: ({ details }) => exitCodes[details.signal],
};

/** The exit code of one failure alone. */
export function exitCodeOfFailure(failure: Failure): number {
  // The table has an entry of the failure's own code: the compiler can't carry that through the index.
  const code = codes[failure.code] as number | ((f: Failure) => number);
  return typeof code === 'number' ? code : code(failure);
}

/** The exit code of several failures: their own where they agree, `partial` where they don't, `done` where there is none. */
export function exitCodeOfFailures(failures: readonly Failure[]): number {
  const found = new Set(failures.map(exitCodeOfFailure));
  if (found.size > 1) return exitCodes.partial;
  return [...found][0] ?? exitCodes.done;
}

/** The exit code of a run: a signal's own, else that of its failures. */
export function exitCodeOfOutcome(outcome: Outcome): number {
  return outcome.interrupted === undefined ? exitCodeOfFailures(outcome.failures) : exitCodes[outcome.interrupted];
}

/** The exit code of a plan that is only shown: what it refuses fails, what it would do is no finding. */
export function exitCodeOfPlan(plan: Plan): number {
  return exitCodeOfFailures(plan.refusals.flatMap(({ failure }) => failure ?? []));
}
