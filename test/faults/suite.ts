import { describe, expect, test } from 'vitest';
import { whyNot } from './needs.ts';
import { isGood, keepResult, readResults } from './results.ts';
import type { Group, Injection, Result } from './row.ts';
import { runInjection } from './run-injection.ts';
import { injectionsOf } from './schedule.ts';

/** What the injection met was worse than what the oracle judges: that counts as well, or the table would be too good. */
function failed({ seed, row }: Injection, error: unknown): Result {
  const nothing = { lost: [], doubled: [], misspoken: [], ends: [], recovery: 0, lockHeld: 0 };
  return { seed, row: row.name, hit: true, ...nothing, wrong: [String(error instanceof Error ? error.stack : error)] };
}

/** A test for each injection of the group that is to be made here. */
export function testGroup(group: Group): void {
  const done = new Set(readResults().flatMap((result) => (isGood(result) ? [result.seed] : [])));
  const injections = injectionsOf(group, done);
  describe.skipIf(injections.length === 0)(`${group}`, () => {
    if (injections.length === 0) test('has no injection to make here', () => undefined);
    for (const injection of injections) {
      test(`${injection.row.name}, injection ${injection.seed}`, async ({ skip, task }) => {
        const reason = await whyNot(injection.row.need);
        if (reason !== '') skip(`${injection.row.name}: ${reason}`);
        const result = await runInjection(injection).catch((error: unknown) => failed(injection, error));
        task.meta.injection = result;
        keepResult(result);
        const again = `ORCH_FAULT_SEED=${injection.seed} npm run test:faults`;
        expect({ ...result, again }).toMatchObject({ lost: [], doubled: [], misspoken: [], wrong: [] });
      });
    }
  });
}
