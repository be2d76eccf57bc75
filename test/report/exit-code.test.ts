import { describe, expect, it } from 'vitest';
import { exitCodeOfFailure, exitCodeOfFailures, exitCodeOfOutcome, exitCodeOfPlan } from '../../src/cli/exit-code.ts';
import { Failure, type FailureCode } from '../../src/core/failure.ts';
import { outcomes } from './outcomes.ts';
import { events, failures, sqlFailure } from './samples.ts';

const documented: { readonly [C in FailureCode]: number } = {
  'usage-invalid': 2,
  'config-not-found': 2,
  'config-invalid': 2,
  'service-unknown': 2,
  'service-ambiguous': 2,
  'file-not-written': 2,
  'editor-failed': 2,
  'revision-applied': 7,
  'rebase-unchecked': 8,
  'revision-invalid': 2,
  'revision-not-found': 2,
  'revision-ambiguous': 2,
  'revision-out-of-range': 2,
  'range-invalid': 2,
  'revision-not-applied': 2,
  'revision-without-down': 2,
  'revision-irreversible': 2,
  'down-not-recorded': 7,
  'revision-required': 2,
  'requirement-unmet': 2,
  'requirement-cycle': 2,
  'nothing-to-accept': 2,
  'database-missing': 2,
  'database-not-empty': 7,
  'baseline-unmatched': 7,
  'not-at-head': 2,
  'replay-unsafe': 2,
  'throwaway-left': 8,
  'prerequisite-unmet': 2,
  'compose-invalid': 2,
  'reset-refused': 2,
  'reset-unknown': 2,
  'approval-missing': 2,
  'session-not-found': 2,
  'session-not-approved': 2,
  'lock-held': 4,
  'local-state-locked': 4,
  'observed-changed': 4,
  'sql-failed': 5,
  'revision-blocked': 5,
  'index-invalid': 6,
  'step-refused': 5,
  'revision-code-failed': 5,
  'revision-interrupted': 6,
  'statement-unclear': 6,
  'heads-diverged': 7,
  'history-conflict': 7,
  'ledger-too-new': 7,
  'server-unreachable': 8,
  'pooler-refused': 2,
  'server-not-writable': 8,
  'connection-lost': 8,
  'lock-lost': 8,
  'outcome-unknown': 9,
  'service-unhealthy': 11,
  'service-not-started': 11,
  'image-build-failed': 11,
  'image-missing': 11,
  'port-taken': 11,
  'docker-unavailable': 12,
  interrupted: 130,
};

describe('exit codes', () => {
  it.each(Object.entries(documented))('%s ends with %i', (code, number) => {
    expect(exitCodeOfFailure(failures[code as FailureCode])).toBe(number);
  });

  it('a revision that stopped half way is partial', () => {
    expect(exitCodeOfFailure(new Failure('sql-failed', { ...sqlFailure.details, partial: true }))).toBe(6);
  });

  it('SIGTERM ends with 143', () => {
    expect(exitCodeOfFailure(new Failure('interrupted', { signal: 'SIGTERM' }))).toBe(143);
    expect(exitCodeOfOutcome({ ...outcomes.failed, interrupted: 'SIGTERM' })).toBe(143);
  });

  it('several failures end with what they agree on, else as partial', () => {
    expect(exitCodeOfFailures([])).toBe(0);
    expect(exitCodeOfFailures([failures['connection-lost'], failures['server-unreachable']])).toBe(8);
    expect(exitCodeOfFailures([failures['connection-lost'], sqlFailure])).toBe(6);
  });

  it('a run ends with its signal, else with its failures', () => {
    expect(exitCodeOfOutcome(outcomes.done)).toBe(0);
    expect(exitCodeOfOutcome(outcomes.unchanged)).toBe(0);
    expect(exitCodeOfOutcome(outcomes.failed)).toBe(5);
    expect(exitCodeOfOutcome(outcomes.several)).toBe(6);
    expect(exitCodeOfOutcome(outcomes.interrupted)).toBe(130);
  });

  it('a plan fails only for what it refuses', () => {
    const { plan } = events['plan-made'];
    expect(exitCodeOfPlan(plan)).toBe(7);
    expect(exitCodeOfPlan({ ...plan, refusals: [] })).toBe(0);
  });
});
