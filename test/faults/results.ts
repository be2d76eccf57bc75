import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Result } from './row.ts';

/** Where the long form keeps what was done, a line of JSON each, so that it can go on where it stopped. */
const file = process.env.ORCH_FAULT_RESULTS;

declare module 'vitest' {
  export interface TaskMeta {
    injection?: Result;
  }
}

export function readResults(): readonly Result[] {
  if (!file || !existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Result);
}

/** One write, so that lines of several workers do not mix. */
export function keepResult(result: Result): void {
  if (file) appendFileSync(file, `${JSON.stringify(result)}\n`);
}

export function isGood({ lost, doubled, misspoken, wrong }: Result): boolean {
  return lost.length + doubled.length + misspoken.length + wrong.length === 0;
}
