import { describe, expect, it } from 'vitest';
import { missingValues } from '../../src/core/missing-values.ts';
import { formatFragment, identifier, sql } from '../../src/core/sql/fragment.ts';
import { parameterSql, replaceParameters } from '../../src/core/sql/parameters.ts';
import { forPsql } from '../../src/core/sql/psql-text.ts';
import { createSqlText } from '../../src/core/sql/sql-text.ts';
import { withValues } from '../../src/core/variables.ts';
import { revision } from './support.ts';

const values = { name: 'a"b', text: "it's \\ here" };

function filled(text: string, given: Readonly<Record<string, string>> = values): string {
  const up = createSqlText({ file: '/p/1.sql', shownFile: '1.sql', text, checksum: 'sum', transaction: undefined });
  const made = withValues(revision('001_a', [], { up, variables: ['name', 'text'] }), given).up;
  expect(made).toMatchObject({ checksum: 'sum', written: text });
  return made.text;
}

describe('variables', () => {
  it.each([
    ['an identifier is quoted', 'SELECT 1 AS :"name";', 'SELECT 1 AS "a""b";'],
    ['a literal is quoted', "SELECT :'text';", "SELECT E'it''s \\\\ here';"],
    ['a literal never becomes a string of bits', "SELECT x:'text';", "SELECT x E'it''s \\\\ here';"],
    ['a bare name is left alone', 'SELECT a[1:name];', 'SELECT a[1:name];'],
    ['a cast is left alone', 'SELECT a::"name";', 'SELECT a::"name";'],
    [
      'strings, bodies and comments are left alone',
      `SELECT ':"name"', $$:'text'$$; -- :"name"\n/* :'text' */`,
      `SELECT ':"name"', $$:'text'$$; -- :"name"\n/* :'text' */`,
    ],
    ['other names are left alone', 'SELECT a[1:"other"];', 'SELECT a[1:"other"];'],
    [
      'the data of a COPY is left alone',
      `COPY t FROM stdin;\n:"name"\n\\.\nSELECT 1 AS :"name"`,
      `COPY t FROM stdin;\n:"name"\n\\.\nSELECT 1 AS "a""b"`,
    ],
  ])('%s', (_, text, expected) => {
    expect(filled(text)).toBe(expected);
  });

  it('a second filling replaces the first', () => {
    const up = createSqlText({
      file: '/p/1.sql',
      shownFile: '1.sql',
      text: "SELECT :'text'",
      checksum: 'sum',
      transaction: undefined,
    });
    const once = withValues(revision('001_a', [], { up, variables: ['text'] }), { text: ":'text'" });
    expect(withValues(once, { text: 'two', name: 'unused' })).toMatchObject({
      up: { text: "SELECT 'two'" },
      values: { text: 'two' },
    });
  });

  it('a name without a value is a fault, and so is a value that can be no name', () => {
    expect(missingValues(withValues(revision('001_a', [], { variables: ['name'] }), {}))).toEqual([
      expect.objectContaining({ message: 'the variable name has no value' }),
    ]);
    const up = createSqlText({
      file: '/p/1.sql',
      shownFile: '1.sql',
      text: 'SELECT 1\nAS :"name"',
      checksum: 'sum',
      transaction: undefined,
    });
    const made = withValues(revision('001_a', [], { up, variables: ['name'] }), { name: '' }).up;
    expect(made.language === 'sql' && made.faults).toEqual([
      expect.objectContaining({
        file: '1.sql',
        line: 2,
        column: 4,
        message: 'the value of name cannot be a name: it is empty',
      }),
    ]);
  });
});

describe('sql`…`', () => {
  it('keeps values as parameters, puts fragments in, and backslashes as they are', () => {
    const inner = sql`b = ${2} AND c ~ '^\d'`;
    expect(
      formatFragment(sql`SELECT ${identifier('a', 'b"c')} WHERE a = ${"1'"} AND ${inner} AND d = ${null}`),
    ).toEqual({
      text: `SELECT "a"."b""c" WHERE a = $1 AND b = $2 AND c ~ '^\\d' AND d = $3`,
      parameters: ["1'", 2, null],
    });
    expect(() => sql`SELECT ${undefined}`).toThrow('write null for NULL');
  });

  it.each([
    [null, 'NULL'],
    [1.5, "'1.5'"],
    [true, "'true'"],
    [[1, null, 'a"\\'], `E'{"1",NULL,"a\\\\"\\\\\\\\"}'`],
    [[[1], [2]], `'{{"1"},{"2"}}'`],
    [{ a: "it's" }, `'{"a":"it''s"}'`],
    [new Uint8Array([1, 255]), `E'\\\\x01ff'`],
    [new Date(0), "'1970-01-01T00:00:00.000Z'"],
  ])('%j is written as a literal without a type', (value, expected) => {
    expect(parameterSql(value)).toBe(expected);
  });

  it('parameters are found outside strings only', () => {
    expect(replaceParameters("SELECT $1, '$1', $$ $1 $$, $12 -- $1", (index) => `<${index}>`)).toBe(
      "SELECT <1>, '$1', $$ $1 $$, <12> -- $1",
    );
  });
});

it('psql is kept from putting in variables of its own', () => {
  expect(forPsql(`SELECT a[1:USER], b::int, ':x', :'y'; f(a := 1)`)).toBe(
    `SELECT a[1\\:USER], b::int, ':x', \\:'y'; f(a := 1)`,
  );
});
