import { describe, expect, onTestFinished, test } from 'vitest';
import { matrix } from './matrix.ts';
import { buildMutant, mutants } from './mutants.ts';
import { isGood } from './results.ts';
import type { Result, Row } from './row.ts';
import { runInjection } from './run-injection.ts';

/** Rows that must find the fault, each by itself. */
const found: Readonly<Record<keyof typeof mutants, readonly string[]>> = {
  'without the lock': ['several runs at once on a warm server', 'the lock held by an idle session'],
  'with the ledger row outside the transaction': [
    'kill -9 after the statements, before the ledger',
    'invalid SQL in the middle of a revision',
  ],
  'with blocking lock waits': [
    'CREATE INDEX CONCURRENTLY while others wait for the lock',
    'a run that meets one at work',
  ],
};

const names = Object.keys(mutants) as readonly (keyof typeof mutants)[];

// A suite that finds nothing in a program that is broken on purpose proves nothing about one that is not.
describe.each(names)('the program %s', (name) => {
  test.each(found[name])('is found by: %s', async (row) => {
    const { program, remove } = await buildMutant(name);
    onTestFinished(remove);
    const result = await runInjection({ seed: 1, row: requireRow(row) }, { program, deadline: 8_000 });
    expect(isGood(result), JSON.stringify(result)).toBe(false);
    process.stderr.write(`${name}: ${row}: ${told(result)}\n`);
  });
});

function told({ lost, doubled, wrong }: Result): string {
  return `${lost.length} lost, ${doubled.length} doubled, ${wrong.map((line) => line.split('\n')[0]).join('; ')}`;
}

function requireRow(name: string): Row {
  const row = matrix.find((each) => each.name === name);
  if (row === undefined) throw new Error(`the matrix has no row ${name}`);
  return row;
}
