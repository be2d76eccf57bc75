import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withJsonTable } from '../../src/build/json-table.ts';
import { exitCodes } from '../../src/cli/exit-code.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

test("the README's table of JSON lines is the one that the code gives (npm run generate)", () => {
  expect(withJsonTable(readme)).toBe(readme);
});

test("the README's table of exit codes has every code", () => {
  const table = /### Exit codes\n\n([\s\S]*?)\n\n/.exec(readme)?.[1] ?? '';
  const documented = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(
    ([, codes]) => codes?.split(', ').map(Number) ?? [],
  );
  expect(documented.sort((a, b) => a - b)).toEqual(Object.values(exitCodes).sort((a, b) => a - b));
});
