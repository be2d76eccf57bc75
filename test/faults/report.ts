import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { matrix } from './matrix.ts';
import { isGood, readResults } from './results.ts';
import type { Result } from './row.ts';

/**
 * Prints the table of the fault suite as Markdown: of this run, or of all runs where ORCH_FAULT_RESULTS names their file.
 * ORCH_FAULT_TABLE names a file that it is written into as well.
 */
export default class FaultReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const here = tests.flatMap((test) => test.meta().injection ?? []);
    // A test that took too long has no result, and must not be missing from the table for that.
    const without = tests.filter((test) => test.result().state === 'failed' && test.meta().injection === undefined);
    const silent = without.filter(({ name }) => / injection \d+$/.test(name)).map(({ name }) => `no result: ${name}`);
    if (here.length === 0) return;
    const kept = readResults();
    const text = `${[...table(latest(kept.length > 0 ? kept : here)), ...silent].join('\n')}\n`;
    process.stdout.write(text);
    const { ORCH_FAULT_TABLE: file } = process.env;
    if (file) writeFileSync(file, text.trimStart());
  }
}

/** Of an injection that was made again, the last result. */
function latest(results: readonly Result[]): readonly Result[] {
  return [...new Map(results.map((result) => [result.seed, result])).values()];
}

const columns = [
  'row',
  'injections',
  'lost',
  'doubled',
  'wrong exit or message',
  'otherwise wrong',
  'recovery median',
  'recovery worst',
  'lock held median',
  'lock held worst',
] as const;

function table(all: readonly Result[]): readonly string[] {
  const results = all.filter((result) => result.hit || !isGood(result));
  // A row without an injection must be seen to be one, but where a few were asked for.
  const rows = matrix.flatMap((row) => {
    const own = results.filter((result) => result.row === row.name);
    return own.length === 0 && !process.env.ORCH_FAULT_RUNS ? [] : [line(row.name, own)];
  });
  const pending = matrix
    .filter((row) => row.pending !== undefined)
    .map((row) => `pending: ${row.name}: ${row.pending}`);
  const missed = all.length - results.length;
  return [
    '',
    `| ${columns.join(' | ')} |`,
    `|${columns.map((_, index) => (index === 0 ? ' --- |' : ' ---: |')).join('')}`,
    ...rows,
    line('all', results),
    '',
    ...(missed === 0 ? [] : [`${missed} more met no fault: what they drew is no place of that run.`]),
    ...pending,
    '',
  ];
}

function line(name: string, results: readonly Result[]): string {
  const sum = (part: 'lost' | 'doubled'): number => results.reduce((total, result) => total + result[part].length, 0);
  const count = (part: 'misspoken' | 'wrong'): number => results.filter((result) => result[part].length > 0).length;
  const times = [results.map((result) => result.recovery), results.map((result) => result.lockHeld)];
  const cells = [
    ...[name, results.length, sum('lost'), sum('doubled'), count('misspoken'), count('wrong')],
    ...times
      .flatMap((ms) => [median(ms), worst(ms)])
      .map((ms) => (ms === undefined ? '–' : `${(ms / 1000).toFixed(1)} s`)),
  ];
  return `| ${cells.join(' | ')} |`;
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function worst(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}
