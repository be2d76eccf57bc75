import type { Verdict } from '../support/tcp-proxy.ts';
import type { Stage } from './stage.ts';

export interface Trap {
  /** Absent: any message. */
  readonly at?: RegExp;
  /** `application_name` of the session; absent: any. */
  readonly by?: RegExp;
  /** Counted from 1; absent: the first one. */
  readonly nth?: number;
  readonly verdict: Verdict;
  /** Done at the same moment, before the connection feels anything. */
  readonly also?: () => void;
}

/** Breaks the network once, at the message that the trap describes. */
export function arm(stage: Stage, trap: Trap): void {
  const { at, by, verdict, also } = trap;
  let left = trap.nth ?? 1;
  stage.proxy.judge = ({ application, sql }) => {
    if (stage.hit || at?.test(sql) === false || by?.test(application) === false) return 'pass';
    left -= 1;
    if (left > 0) return 'pass';
    stage.hit = true;
    if (verdict === 'cut-at-answer' || verdict === 'cut-in-answer') stage.proxy.onAnswer = also ?? (() => undefined);
    else also?.();
    return verdict;
  };
}

/** Messages of a run of orch, as they are told apart on the wire. */
export const messages = {
  tryLock: /pg_try_advisory_lock/,
  /** The last message of a revision in a transaction. */
  commit: /INSERT INTO orch\.log[\s\S]*COMMIT$/,
  prepare: /CREATE ROLE|CREATE DATABASE|ALLOW_CONNECTIONS true|ALTER DEFAULT PRIVILEGES/,
  createLedger: /CREATE TABLE IF NOT EXISTS orch\.ledger/,
  announce: /VALUES [\s\S]*'announced'/,
  progress: /UPDATE orch\.ledger AS l SET statements_done/,
} as const;
