import { describe, expect, it } from 'vitest';
import type { SqlText } from '../../../src/core/revision.ts';
import { findRoutineUse } from '../../../src/core/sql/routines.ts';
import { readStatements, StatementReader } from '../../../src/core/sql/script.ts';
import { scriptParts } from '../../../src/core/sql/script-parts.ts';
import { ScriptWalk } from '../../../src/core/sql/script-walk.ts';
import { createSqlText } from '../../../src/core/sql/sql-text.ts';
import { randomScript } from './random-sql.ts';

function piecesOf(text: string, size: number): readonly string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  );
}

interface Walked {
  readonly statements: readonly string[];
  readonly data: readonly string[];
  readonly metaCommands: readonly number[];
  readonly directives: readonly number[];
  readonly unclosed: unknown;
}

function walk(text: string, size: number): Walked {
  const found = new ScriptWalk(piecesOf(text, size));
  const statements: string[] = [];
  const data: string[] = [];
  for (let next = found.next(); next !== undefined; next = found.next()) {
    statements.push(text.slice(next.start, next.end));
    if (next.copiesIn) data.push([...found.rows()].join(''));
  }
  const { metaCommands, directives } = found.beside;
  return { statements, data, metaCommands, directives, unclosed: found.unclosed };
}

/** The text read as a whole. */
function read(text: string): Walked {
  const reader = new StatementReader(text);
  const statements: string[] = [];
  const data: string[] = [];
  while (reader.next()) {
    const end = reader.data === undefined ? reader.end : text.lastIndexOf(';', reader.data.start - 1) + 1;
    statements.push(text.slice(reader.start, end));
    if (reader.data !== undefined) data.push(text.slice(reader.data.start, reader.data.end));
  }
  const { metaCommands, directives, unclosed } = reader;
  return { statements, data, metaCommands, directives, unclosed };
}

describe('a script that comes in pieces', () => {
  it('is read as it would be as a whole, wherever it is cut', () => {
    for (let seed = 0; seed < 400; seed += 1) {
      const text = randomScript(seed, false);
      const whole = read(text);
      for (const size of [1, 2, 7, 64]) expect(walk(text, size), JSON.stringify([seed, size, text])).toEqual(whole);
    }
  });

  it.each([
    'COPY t FROM stdin;\n\\.\n',
    'COPY t FROM stdin;\n\\.',
    'COPY t FROM stdin;\n1\n2\n\\.\nSELECT 1;',
    'COPY t FROM stdin; -- rows\n\n\n\\.\n;COPY u FROM stdin;\n\\\\.\n\\.\nSELECT 2',
    'SELECT 1; COPY t FROM stdin;\n1\n\\.x\n\\.\n',
    'COPY t FROM stdin;\n1\n',
    'COPY t FROM stdin; SELECT 1;\n\\.\n',
    'COPY t FROM stdin;',
    'SELECT 1 \\gset\n\\echo x',
    "SET standard_conforming_strings = off; SELECT 'a\\';b'; SELECT 2;",
  ])('with the data of COPY, meta-commands and settings: %j', (text) => {
    for (let size = 1; size <= text.length; size += 1) expect(walk(text, size)).toEqual(walk(text, text.length));
  });

  it('COPY data is given without its end mark', () => {
    expect(walk('COPY t FROM stdin;\n1\ta\n\n2\n\\.\nSELECT 1;', 3)).toMatchObject({
      statements: ['COPY t FROM stdin;', 'SELECT 1;'],
      data: ['1\ta\n\n2\n'],
    });
  });
});

describe('the messages of a script', () => {
  const text = (source: string, transaction?: 'none'): SqlText =>
    createSqlText({ file: 'a', shownFile: 'a', text: source, checksum: '', transaction });

  it('are one for a small text, several for a large one, each of whole statements', () => {
    const small = 'SELECT 1; -- one\nSELECT 2;';
    expect([...scriptParts(text(small))].map((part) => part.text)).toEqual([small]);
    const large = `${'SELECT 1;\n'.repeat(30_000)}`;
    const parts = [...scriptParts(text(large))];
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.every((part) => part.text.startsWith('SELECT') && part.text.endsWith(';'))).toBe(true);
    expect(parts.map((part) => part.text).join('\n')).toBe(large.trimEnd());
    for (const part of parts) expect(large.startsWith(part.text, part.start)).toBe(true);
    expect(parts.at(-1)?.statementsBefore).toBe(30_000 - readStatements(parts.at(-1)?.text ?? '').length);
  });

  it('are one a statement outside a transaction, and end where strings are read another way', () => {
    expect([...scriptParts(text('SELECT 1; SELECT 2;', 'none'))].map((part) => part.text)).toEqual([
      'SELECT 1;',
      'SELECT 2;',
    ]);
    const turned = "SELECT 0; SET LOCAL standard_conforming_strings TO off; SELECT 'a\\';b'; SELECT 2;";
    expect([...scriptParts(text(turned))].map((part) => part.text)).toEqual([
      'SELECT 0; SET LOCAL standard_conforming_strings TO off;',
      "SELECT 'a\\';b'; SELECT 2;",
    ]);
  });
});

it.each([
  ['CALL p()', { kind: 'call', name: 'p' }],
  ['CALL "S"."My""P" (1)', { kind: 'call', name: 'My"P' }],
  ['DO $$ BEGIN COMMIT; END $$', { kind: 'block', command: 'COMMIT' }],
  ["DO LANGUAGE plpgsql 'BEGIN IF true THEN ROLLBACK; END IF; END'", { kind: 'block', command: 'ROLLBACK' }],
  ['DO $$ BEGIN PERFORM commit FROM t; -- COMMIT;\n END $$', undefined],
  [
    'CREATE PROCEDURE s.p() LANGUAGE plpgsql AS $a$ BEGIN LOOP COMMIT; END LOOP; END $a$',
    { kind: 'procedure', name: 'p', commits: true },
  ],
  [
    'CREATE PROCEDURE p() LANGUAGE plpgsql AS $a$ BEGIN NULL; END $a$',
    { kind: 'procedure', name: 'p', commits: false },
  ],
  ['CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT $q$BEGIN COMMIT; END$q$ $$', undefined],
] as const)('what %j has to do with procedures that commit', (statement, expected) => {
  expect(findRoutineUse(statement)).toEqual(expected);
});
