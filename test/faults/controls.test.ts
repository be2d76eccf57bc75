import { describe, expect, onTestFinished, test } from 'vitest';
import { matrix } from './matrix.ts';
import { buildMutant, mutants } from './mutants.ts';
import { isGood } from './results.ts';
import type { Result, Row } from './row.ts';
import { runInjection } from './run-injection.ts';

/** A row that must find the fault, and what it then says. */
interface Finder {
  readonly row: string;
  readonly says: RegExp;
}

/** Each finds it by itself; the quick form asks the first one. */
const finders: Readonly<Record<keyof typeof mutants, readonly Finder[]>> = {
  'without the lock': [
    { row: 'several runs at once on a warm server', says: /[1-9] doubled|ended with 6/ },
    { row: 'the lock held by an idle session', says: /it ended with 0/ },
  ],
  'with the ledger row outside the transaction': [
    { row: 'kill -9 after the statements, before the ledger', says: /the run without the fault ended with 6/ },
    { row: 'invalid SQL in the middle of a revision', says: /the run without the fault ended with 6/ },
  ],
  'with statements recorded apart': [
    { row: 'kill -9 at the record of a statement outside a transaction', says: /[1-9] doubled|ended with 6/ },
  ],
  'with blocking lock waits': [
    { row: 'CREATE INDEX CONCURRENTLY while others wait for the lock', says: /did not end within|deadlock detected/ },
    { row: 'a run that meets one at work', says: /migrate --lock-wait 300ms did not end within/ },
  ],
};

const names = Object.keys(mutants) as readonly (keyof typeof mutants)[];

// A suite that finds nothing in a program that is broken on purpose proves nothing about one that is not.
describe.skipIf(process.env.ORCH_FAULT_SEED).each(names)('the program %s', (name) => {
  const rows = finders[name].slice(0, process.env.ORCH_FAULT_RUNS ? undefined : 1);
  test.each(rows)('is found by: $row', async ({ row, says }) => {
    const { program, remove } = await buildMutant(name);
    onTestFinished(remove);
    const found = await findBad(requireRow(row), program, says);
    expect(found === undefined ? 'nothing' : told(found)).toMatch(says);
  });
});

/**
 * Runs that are begun at once do not always meet, or notice each other in time: a few injections, of which one must find
 * the fault. @returns that one; else the last that found anything
 */
async function findBad(row: Row, program: string, says: RegExp): Promise<Result | undefined> {
  let last: Result | undefined;
  for (let seed = 1; seed <= 6; seed += 1) {
    const result = await runInjection({ seed, row }, { program, deadline: 12_000 });
    if (isGood(result)) continue;
    last = result;
    if (says.test(told(result))) return result;
  }
  return last;
}

function told({ lost, doubled, misspoken, wrong }: Result): string {
  return `${lost.length} lost, ${doubled.length} doubled, ${[...misspoken, ...wrong].join('; ')}`;
}

function requireRow(name: string): Row {
  const row = matrix.find((each) => each.name === name);
  if (row === undefined) throw new Error(`the matrix has no row ${name}`);
  return row;
}
