import { expect, it } from 'vitest';
import { readStatements } from '../../../src/core/sql/script.ts';
import { createSqlText } from '../../../src/core/sql/sql-text.ts';

/** A flat text of about this many characters; a concatenated one would be flattened within the measured time. */
function fill(pattern: string, size: number): string {
  return Buffer.from(pattern.repeat(Math.ceil(size / pattern.length))).toString();
}

function examine(text: string): number {
  return createSqlText({ file: 'a', shownFile: 'a', text, checksum: '', transaction: undefined }).faults.length;
}

it('50 MB of INSERTs are checked without a fault (the time is reported, not asserted)', async ({ annotate }) => {
  const text = fill("INSERT INTO items (id, name, price) VALUES (12345, 'it''s a name', 12.50);\n", 50_000_000);
  const begun = performance.now();
  expect(examine(text)).toBe(0);
  await annotate(`50 MB in ${Math.round(performance.now() - begun)} ms`);
});

/** In quadratic time each of these would take hours and meet the test's time limit. */
it.each([
  ["'''", 1],
  ["E'\\", 1],
  ['/*', 1],
  ['$a$b', 0],
  ['$a ', 0],
  ['"a', 0],
  ['(', 0],
  ["E'a'\n--\n", 0],
  ['-- a\r', 0],
  ['copy t from stdin;\n\\.', 0],
  ['copy t from stdin;\n\\.\n', 0],
  ['create function f() begin atomic ', 0],
  ['\\;', 20],
  ['-- orch: late\n;', 0],
  ['x;', 0],
  [';', 0],
])('a text full of %j takes time in line with its length', (pattern, least) => {
  const text = fill(pattern, 2_000_000);
  expect(examine(text)).toBeGreaterThanOrEqual(least);
  expect(readStatements(text).length).toBeLessThanOrEqual(text.length);
});
