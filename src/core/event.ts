import type { Failure, Probe } from './failure.ts';
import type { Blocker, LockHolder } from './observed.ts';
import type { Plan, Step, Subject } from './plan.ts';

/** What happened, in the past tense: the one currency between the engine and the reporters. */
export type Event =
  | {
      readonly type: 'run-started';
      readonly run: string;
      readonly command: string;
      readonly project: string;
      readonly runtime: RuntimeKind | undefined;
      readonly version: string;
    }
  | {
      readonly type: 'runtime-noted';
      readonly runtime: RuntimeKind;
      readonly note: RuntimeNote /** Undefined: the note says it all. */;
      readonly detail: string | undefined;
    }
  | {
      readonly type: 'server-started';
      readonly server: string;
      readonly how: string /** ms */;
      readonly duration: number;
    }
  | {
      readonly type: 'probe-awaited';
      readonly server: string;
      readonly probe: Probe;
      readonly reason: string /** ms */;
      readonly waited: number;
    }
  | { readonly type: 'server-ready'; readonly server: string /** ms */; readonly waited: number }
  | { readonly type: 'plan-made'; readonly plan: Plan }
  | {
      readonly type: 'lock-awaited';
      readonly subject: Subject;
      readonly holder: LockHolder | undefined /** ms */;
      readonly waited: number;
    }
  | {
      /** A lock that a revision needs is not to be had: as long as it waits, or, with `retry`, after it gave up waiting. */
      readonly type: 'revision-blocked';
      readonly step: Step;
      /** Empty: they could not be seen. */
      readonly blockers: readonly Blocker[] /** ms */;
      readonly waited: number;
      /** What was begun is rolled back, and begun anew; undefined: it still waits. */
      readonly retry: BlockedRetry | undefined;
    }
  | { readonly type: 'step-started'; readonly step: Step }
  | {
      readonly type: 'step-progressed';
      readonly step: Step;
      readonly done: number;
      readonly total: number | undefined;
      readonly unit: string;
    }
  | {
      readonly type: 'step-finished';
      readonly step: Step /** ms */;
      readonly duration: number;
      readonly note: string | undefined;
    }
  | {
      readonly type: 'step-failed';
      readonly step: Step;
      readonly failure: Failure /** ms */;
      readonly duration: number;
    }
  | {
      readonly type: 'step-skipped';
      readonly step: Step;
      readonly because: 'earlier-failure' | 'fail-fast' | 'interrupted';
    }
  | { readonly type: 'notice-received'; readonly subject: Subject; readonly severity: string; readonly message: string }
  | {
      readonly type: 'service-exited';
      readonly service: string;
      readonly exitCode: number | undefined;
      readonly signal: string | undefined;
    }
  | {
      readonly type: 'stop-requested';
      readonly signal: 'SIGINT' | 'SIGTERM' /** `foreground`: the work is done, and what came up is held. */;
      readonly during: 'work' | 'foreground';
    };

/** The next try of a revision that could not have a lock. */
interface BlockedRetry {
  /** The server's word for it: 55P03 (lock_timeout) or 40P01 (deadlock). */
  readonly sqlstate: string;
  /** How many tries there were. */
  readonly tries: number;
  /** In how many ms the next one begins. */
  readonly pause: number;
  /** For how many ms more tries may begin. */
  readonly left: number;
}

export type RuntimeKind = 'compose' | 'local';

/** Lines said once about a runtime. */
export type RuntimeNote = 'chosen' | 'limits' | 'already-held' | 'trouble';
