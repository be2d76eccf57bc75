import { expect, it } from 'vitest';
import { Failure } from '../../../src/core/failure.ts';
import type { Revision, SqlText } from '../../../src/core/revision.ts';
import { parseHead } from '../../../src/core/sql/directives.ts';
import { scriptParts } from '../../../src/core/sql/script-parts.ts';
import { createSqlText, requireRunnable } from '../../../src/core/sql/sql-text.ts';

function sqlText(text: string): SqlText {
  const { transaction } = parseHead(text, '--').directives;
  return createSqlText({ file: '/p/001_a.up.sql', shownFile: 'a.sql', text, checksum: 'v1:sha256:0', transaction });
}

function faultsOf(text: string): readonly string[] {
  return sqlText(text).faults.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`);
}

it('a file of ordinary statements runs in one transaction', () => {
  expect(sqlText('CREATE TABLE a ();\nSAVEPOINT s;')).toMatchObject({
    transaction: 'single',
    statements: [],
    faults: [],
  });
});

const COMMITTING = 'CREATE OR REPLACE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;';
const PEACEFUL = 'CREATE OR REPLACE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;';

it.each(['', '-- nothing\n', ';'])('a file without a statement runs like any other: %j', (text) => {
  expect(sqlText(text)).toMatchObject({ transaction: 'single', faults: [] });
});

it('a file made only of statements that cannot run in a transaction runs outside one, a statement at a time', () => {
  const text = sqlText('-- a\nCREATE INDEX CONCURRENTLY i ON t (a);\nVACUUM t');
  expect(text.transaction).toBe('none');
  expect(text.faults).toEqual([]);
  expect(text.statements.map(({ start, end, line, column }) => [text.text.slice(start, end), line, column])).toEqual([
    ['CREATE INDEX CONCURRENTLY i ON t (a);', 2, 1],
    ['VACUUM t', 3, 1],
  ]);
});

it('such a statement among others is a fault where it stands', () => {
  const text = 'CREATE TABLE t (a int);\n  CREATE INDEX CONCURRENTLY i ON t (a);\nVACUUM;';
  expect(faultsOf(text)).toEqual([
    'a.sql:2:3 CREATE INDEX CONCURRENTLY cannot run in a transaction, and the other statements of this file would',
  ]);
  expect(sqlText(text).faults[0]).toMatchObject({
    source: '  CREATE INDEX CONCURRENTLY i ON t (a);',
    hint: expect.stringContaining('-- orch: transaction none'),
  });
});

it('the directive lets such a file run a statement at a time, its own transactions included', () => {
  const text = sqlText(
    '-- orch: transaction none\nBEGIN; CREATE TABLE t (a int); COMMIT;\nCREATE INDEX CONCURRENTLY i ON t (a);',
  );
  expect(text.faults).toEqual([]);
  expect(text.transaction).toBe('none');
  expect(text.statements).toHaveLength(4);
});

it('transaction control without the directive is a fault', () => {
  expect(faultsOf('BEGIN;\nSELECT 1;\nCOMMIT AND CHAIN;')).toEqual([
    'a.sql:1:1 BEGIN would end or begin the transaction that the revision runs in',
  ]);
});

it.each([
  ['BEGIN;\nSELECT 1;\nCOMMIT;', true],
  ['-- a\nstart transaction;\nSELECT 1;\nEND WORK', true],
  ['BEGIN;\nSELECT 1;\nCOMMIT;\nSELECT 2;', false],
  ['SELECT 1;', false],
])('BEGIN and COMMIT around the whole file are passed over: %j is %j', (text, wrapped) => {
  expect(sqlText(text).wrapped).toBe(wrapped);
  if (!wrapped) return;
  expect(sqlText(text).faults).toEqual([]);
  expect([...scriptParts(sqlText(text))].map((part) => part.text.trim())).toEqual(['SELECT 1;']);
});

it('the lines that pg_dump writes for psql are passed over where they stand', () => {
  const text = sqlText('\\restrict a1\nSELECT 1;\n\\unrestrict a1\nSELECT 2;\n');
  expect(text.faults).toEqual([]);
  expect([...scriptParts(text)]).toMatchObject([{ text: 'SELECT 1;\n              \nSELECT 2;', start: 13 }]);
});

it('meta-commands of psql are faults that say what to write instead', () => {
  const { faults } = sqlText("\\i other.sql\n\\connect db it's\nSELECT 1 \\gset\n\\restrict\n\\frob\n");
  expect(faults.map(({ line, message, hint }) => [line, message, hint])).toEqual([
    [1, '\\i is a command of psql, not SQL', expect.stringContaining('a revision of its own')],
    [2, '\\connect is a command of psql, not SQL', expect.stringContaining("other service's revisions")],
    [3, '\\gset is a command of psql, not SQL', expect.stringContaining('DO block')],
    [4, '\\restrict is a command of psql, not SQL', expect.stringContaining('pg_dump')],
    [5, '\\frob is a command of psql, not SQL', expect.any(String)],
  ]);
});

it.each([
  ["SELECT 1;\nSELECT 'a;\nSELECT 2;", 'a.sql:2:8 this string is not closed'],
  ['DO $a$ BEGIN END $b$;', 'a.sql:1:4 this dollar quote is not closed'],
  ['SELECT "a', 'a.sql:1:8 this quoted identifier is not closed'],
  ['\n /* a', 'a.sql:2:2 this comment is not closed'],
  ['COPY t FROM stdin;\n1\n', 'a.sql:1:1 the data of this COPY does not end'],
  ['COPY t FROM stdin; SELECT 1;\n\\.\n', 'a.sql:1:19 nothing may follow COPY … FROM STDIN; on its line'],
])('%j is a fault', (text, expected) => {
  expect(faultsOf(text)).toEqual([expected]);
});

it('a directive below the first statement is a fault, but not one in a string or a function body', () => {
  expect(faultsOf('SELECT 1;\n-- orch: transaction none\n')).toEqual([
    'a.sql:2:1 a directive below the first statement has no effect',
  ]);
  expect(faultsOf("-- orch: message a\nSELECT '\n-- orch: b', $$\n-- orch: c\n$$;")).toEqual([]);
});

it('a file of a thousand faults shows the first of each kind', () => {
  expect(faultsOf('\\x\n'.repeat(1_000))).toHaveLength(20);
});

it.each([
  ['in an earlier revision', [COMMITTING], 1],
  ['and again without', [COMMITTING, PEACEFUL], 0],
  ['and again with one', [PEACEFUL, COMMITTING], 1],
  ['without one', [PEACEFUL], 0],
])('a CALL of a procedure that was made with a COMMIT %s', (_, made, faults) => {
  const history = [...made, 'CALL p();'].map(
    (text) => ({ up: sqlText(text), variables: [] as readonly string[] }) as Revision,
  );
  const check = (): void => requireRunnable('api-auth', history.slice(-1), history);
  if (faults === 0) return expect(check).not.toThrow();
  expect(check).toThrow(
    expect.objectContaining({
      details: expect.objectContaining({ faults: [expect.objectContaining({ line: 1, source: 'CALL p();' })] }),
    }),
  );
});

it('the faults of all revisions that are to run are thrown at once', () => {
  const revisions = ['COMMIT;', 'SELECT 1;', "SELECT '"].map(
    (text) => ({ up: sqlText(text), variables: [] as readonly string[] }) as Revision,
  );
  expect(() => requireRunnable('api-auth', revisions.slice(1, 2))).not.toThrow();
  try {
    requireRunnable('api-auth', revisions);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    expect(error).toMatchObject({ code: 'revision-invalid', details: { service: 'api-auth', faults: { length: 2 } } });
  }
});
