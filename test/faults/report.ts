import type { Reporter, TestModule } from 'vitest/node';
import { matrix } from './matrix.ts';
import { readResults } from './results.ts';
import type { Result } from './row.ts';

/** Prints the table of the fault suite: of this run, or of all runs where ORCH_FAULT_RESULTS names their file. */
export default class FaultReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const here = modules.flatMap((module) =>
      [...module.children.allTests()].flatMap((test) => test.meta().injection ?? []),
    );
    if (here.length === 0) return;
    const kept = readResults();
    process.stdout.write(`${table(latest(kept.length > 0 ? kept : here)).join('\n')}\n`);
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
  'wrong',
  'recovery median',
  'worst',
  'lock held median',
  'worst',
] as const;

function table(all: readonly Result[]): readonly string[] {
  const results = all.filter(({ hit, wrong }) => hit || wrong.length > 0);
  const rows = matrix.flatMap((row) => {
    const own = results.filter((result) => result.row === row.name);
    return own.length === 0 ? [] : [line(row.name, own)];
  });
  const pending = matrix
    .filter((row) => row.pending !== undefined)
    .map((row) => `pending: ${row.name}: ${row.pending}`);
  return [
    '',
    `| ${columns.join(' | ')} |`,
    `|${columns.map((_, index) => (index === 0 ? ' --- |' : ' ---: |')).join('')}`,
    ...rows,
    line('all', results),
    ...pending,
    '',
  ];
}

function line(name: string, results: readonly Result[]): string {
  const sum = (part: 'lost' | 'doubled' | 'wrong'): number =>
    part === 'wrong'
      ? results.filter(({ wrong }) => wrong.length > 0).length
      : results.reduce((total, result) => total + result[part].length, 0);
  const recovery = results.map((result) => result.recovery);
  const held = results.map((result) => result.lockHeld);
  const cells = [
    ...[name, results.length, sum('lost'), sum('doubled'), sum('wrong')],
    ...[median(recovery), Math.max(...recovery), median(held), Math.max(...held)].map(
      (ms) => `${(ms / 1000).toFixed(1)} s`,
    ),
  ];
  return `| ${cells.join(' | ')} |`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
