import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Failure } from '../../src/core/failure.ts';
import type { Service } from '../../src/core/project.ts';
import { type FileRunner, fileRunner } from '../support/apply-file.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { createDatabase, ownerLocation, runAsAdmin } from '../support/test-database.ts';

let postgres: TestPostgres;
let service: Service;
let files: FileRunner;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(async () => {
  await postgres?.stop();
});

beforeEach(async () => {
  service = await createDatabase(postgres);
  await runAsAdmin(postgres, `GRANT CREATE ON SCHEMA public TO ${service.owner.role}`, service.database);
  files = await fileRunner(service, ownerLocation(service));
});

async function rows(sql: string): Promise<readonly Record<string, unknown>[]> {
  return await runAsAdmin(postgres, sql, service.database);
}

async function value(sql: string): Promise<unknown> {
  return Object.values((await rows(sql))[0] ?? {})[0];
}

async function failureOf(promise: Promise<unknown>): Promise<Failure<'sql-failed'>> {
  return await promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as Failure<'sql-failed'>,
  );
}

async function faultsOf(promise: Promise<unknown>): Promise<readonly string[]> {
  const { details } = (await failureOf(promise)) as unknown as Failure<'revision-invalid'>;
  return details.faults.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

const ledgerRows = 'SELECT name, state, statements_done AS done FROM orch.ledger ORDER BY sequence';

describe('files are run whole as written', () => {
  it.each<readonly [what: string, text: string, query: string, expected: unknown]>([
    [
      'dollar quotes of any tag, nested',
      "DO $a$ BEGIN EXECUTE $é_1$ CREATE TABLE t AS SELECT $$;'$$::text AS a $é_1$; END $a$;",
      'SELECT a FROM t',
      ";'",
    ],
    ['nested comments', 'CREATE TABLE t AS SELECT 1 /* a /* ; */ ; */ AS a; -- end; of it', 'SELECT a FROM t', 1],
    [
      "E'' strings and semicolons in strings",
      "CREATE TABLE t AS SELECT E'a\\';b' || ';' AS a;",
      'SELECT a FROM t',
      "a';b;",
    ],
    ['a backslash in a plain string', "CREATE TABLE t AS SELECT 'a\\' AS a;", 'SELECT a FROM t', 'a\\'],
    ['no semicolon and no newline at the end', 'CREATE TABLE t AS SELECT 1 AS a', 'SELECT a FROM t', 1],
    ['a comment as last line', 'CREATE TABLE t AS SELECT 1 AS a\n-- last', 'SELECT a FROM t', 1],
    ['Unicode', 'CREATE TABLE "tück😀" AS SELECT \'漢字😀\' AS a;', 'SELECT a FROM "tück😀"', '漢字😀'],
    ['a DO block', 'DO $$ BEGIN CREATE TABLE t AS SELECT 7 AS a; END $$;', 'SELECT a FROM t', 7],
    ['an SQL body', 'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;', 'SELECT f()', 2],
    [
      'hundreds of statements',
      `CREATE TABLE t (a int);\n${'INSERT INTO t VALUES (1);\n'.repeat(500)}`,
      'SELECT count(*)::int FROM t',
      500,
    ],
    [
      'standard_conforming_strings off',
      "SET standard_conforming_strings = off;\nSET escape_string_warning = off;\nCREATE TABLE t AS SELECT 'a\\';b' AS a;\n",
      'SELECT a FROM t',
      "a';b",
    ],
    [
      'a table named like a ledger of anyone',
      'CREATE TABLE ledger (a int); CREATE TABLE alembic_version AS SELECT 1 AS a;',
      'SELECT a FROM alembic_version',
      1,
    ],
  ])('%s', async (_, text, query, expected) => {
    await files.apply('001_a', text);
    expect(await value(query)).toEqual(expected);
    expect(await rows(ledgerRows)).toEqual([{ name: '001_a', state: 'applied', done: 0 }]);
  });

  it('comments in a function are kept byte for byte, a body of a quarter of a megabyte too', async () => {
    const body = `\n  -- a comment; it's kept\n  /* and this */\n${'  -- padding 漢\n'.repeat(18_000)}BEGIN RETURN 1; END `;
    await files.apply('001_a', `CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$${body}$f$;`);
    expect(await value("SELECT prosrc FROM pg_proc WHERE proname = 'f'")).toBe(body);
  });

  it.each(['', '\n\n', '-- only a comment\n', '/* one */', ';;\n'])('without a statement: %j', async (text) => {
    await files.apply('001_a', text);
    expect(await rows(ledgerRows)).toEqual([{ name: '001_a', state: 'applied', done: 0 }]);
  });
});

describe('COPY … FROM stdin with inline data', () => {
  const text = `CREATE TABLE t (a int, b text);
COPY t (a, b) FROM stdin;
1\tone; it's 'quoted
2\t\\N
3\tdrei 😀
\\.

COPY t FROM stdin (FORMAT csv);
4,"a
b"
\\.
COPY t FROM stdin;
\\.
UPDATE t SET b = 'two' WHERE a = 2;`;

  it('runs between other statements, in their transaction', async () => {
    await files.apply('001_a', text);
    expect(await rows('SELECT a, b FROM t ORDER BY a')).toEqual([
      { a: 1, b: "one; it's 'quoted" },
      { a: 2, b: 'two' },
      { a: 3, b: 'drei 😀' },
      { a: 4, b: 'a\nb' },
    ]);
  });

  it('runs outside a transaction too', async () => {
    await files.apply('001_a', `-- orch:transaction none\n${text}\nVACUUM t;`);
    expect(await value('SELECT count(*)::int FROM t')).toBe(4);
  });

  it('a row at fault shows its line of the file, and all is rolled back', async () => {
    const failure = await failureOf(
      files.apply('001_a', 'CREATE TABLE t (a int);\nCOPY t FROM stdin;\n1\nx\n3\n\\.\nSELECT 1;'),
    );
    expect(failure).toMatchObject({ code: 'sql-failed', at: { line: 4 }, details: { sqlstate: '22P02' } });
    expect(await rows(ledgerRows)).toEqual([]);
    expect(await value("SELECT to_regclass('public.t')")).toBeNull();
    await files.apply('001_a', 'CREATE TABLE t (a int);');
  });

  it('data that does not end, and words behind its semicolon, are refused before anything runs', async () => {
    expect(await faultsOf(files.apply('001_a', 'COPY t FROM stdin;\n1\n'))).toEqual([
      '1:1 the data of this COPY does not end',
    ]);
    expect(await faultsOf(files.apply('002_b', 'COPY t FROM stdin; SELECT 1;\n\\.\n'))).toHaveLength(1);
  });
});

describe('a text that is too large for memory', () => {
  it('runs in pieces: INSERTs, COPY, a character and a CRLF at each seam', async () => {
    const insert = Array.from(
      { length: 30_000 },
      (_, row) => `INSERT INTO t VALUES (${row}, '漢字; it''s 😀 ${row}');\r\n`,
    );
    const copy = Array.from({ length: 30_000 }, (_, row) => `${row + 30_000}\tüber 😀 ${row}\r\n`);
    const parts = [
      'CREATE TABLE t (a int PRIMARY KEY, b text);\r\n',
      ...insert,
      'COPY t FROM stdin;\r\n',
      ...copy,
      '\\.\r\n',
    ];
    await files.apply('001_a', `${parts.join('')}UPDATE t SET b = 'last' WHERE a = 0;`);
    expect(
      await rows(
        "SELECT count(*)::int AS n, sum(a)::int AS s, count(DISTINCT b)::int AS d FROM t WHERE b LIKE '%😀 %'",
      ),
    ).toEqual([{ n: 59_999, s: 1_799_970_000, d: 59_999 }]);
    expect(await value('SELECT b FROM t WHERE a = 0')).toBe('last');
    expect(await value('SELECT up_text FROM orch.ledger')).toBeNull();
  });

  it('an error far inside shows its place, and nothing is left', async () => {
    const insert = Array.from(
      { length: 40_000 },
      (_, row) => `INSERT INTO t VALUES (${row === 39_000 ? '1/0' : row}, '${'x'.repeat(20)} 😀');\n`,
    );
    const failure = await failureOf(files.apply('001_a', `CREATE TABLE t (a int, b text);\n${insert.join('')}`));
    expect(failure).toMatchObject({ at: { line: 39_002, column: 1 }, details: { sqlstate: '22012', partial: false } });
    expect(failure.details.statement).toContain('1/0');
    expect(await value("SELECT to_regclass('public.t')")).toBeNull();
    expect(await rows(ledgerRows)).toEqual([]);
  });

  it('a syntax error in the middle is at its line and column', async () => {
    const insert = Array.from(
      { length: 40_000 },
      (_, row) => `INSERT INTO t VALUES (${row}, '${'x'.repeat(20)} 😀');\n`,
    );
    insert[30_000] = "INSERT INTO t VALUES (1, '😀' bad);\n";
    const failure = await failureOf(files.apply('001_a', `CREATE TABLE t (a int, b text);\n${insert.join('')}`));
    expect(failure).toMatchObject({ at: { line: 30_002, column: 30 }, details: { sqlstate: '42601' } });
  });
});

describe('transactions', () => {
  it('a file wrapped whole in BEGIN … COMMIT runs in our transaction, which is said', async () => {
    const note = await files.apply(
      '001_a',
      '-- head\nBEGIN;\nCREATE TABLE t (a xid8 DEFAULT pg_current_xact_id());\nINSERT INTO t DEFAULT VALUES;\nCOMMIT;\n',
    );
    expect(note).toMatch(/instead of its own BEGIN/);
    expect(
      await value(
        "SELECT (SELECT a FROM t)::text::bigint % 4294967296 = xmin::text::bigint FROM pg_class WHERE relname = 't'",
      ),
    ).toBe(true);
    const failure = await failureOf(
      files.apply('002_b', 'START TRANSACTION;\nCREATE TABLE u (a int);\nSELECT 1/0;\nEND;'),
    );
    expect(failure).toMatchObject({ at: { line: 3 }, details: { sqlstate: '22012', partial: false } });
    expect(await value("SELECT to_regclass('public.u')")).toBeNull();
  });

  it.each([
    ['CREATE TABLE t (a int);\nCOMMIT;\nCREATE TABLE u (a int);', '2:1 COMMIT would'],
    ['BEGIN; SELECT 1; COMMIT; SELECT 2;', '1:1 BEGIN would'],
    ['BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT;', '1:1 BEGIN would'],
    ['BEGIN; SELECT 1; ROLLBACK;', '1:1 BEGIN would'],
    ['SELECT 1;\nDO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; END $$;', '2:1 COMMIT in a DO block'],
    ['CREATE TABLE t (a int);\nCREATE INDEX CONCURRENTLY i ON t (a);', '2:1 CREATE INDEX CONCURRENTLY cannot'],
    [
      'CREATE OR REPLACE PROCEDURE "s".P() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;\nCALL s.p();',
      '2:1 CALL of p, which commits',
    ],
  ])('refused before anything runs: %j', async (text, expected) => {
    const [fault] = await faultsOf(files.apply('001_a', text));
    expect(fault).toContain(expected);
    expect(await rows(ledgerRows)).toEqual([]);
  });

  it('CALL of a procedure that commits, which nothing shows beforehand, names the directive', async () => {
    await files.apply('001_a', 'CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;');
    const failure = await failureOf(files.apply('002_b', 'CREATE TABLE t (a int);\nCALL p();'));
    expect(failure).toMatchObject({
      at: { line: 2 },
      details: { sqlstate: '2D000', serverHint: expect.stringContaining('transaction none') },
    });
    expect(await value("SELECT to_regclass('public.t')")).toBeNull();
    await files.apply('002_b', '-- orch:transaction none\nCREATE TABLE t (a int);\nCALL p();');
  });

  it('outside one, several CREATE INDEX CONCURRENTLY work, and the file’s own BEGIN and COMMIT count', async () => {
    const text = `-- orch:transaction none
CREATE TABLE t (a int, b int);
CREATE INDEX CONCURRENTLY ON t (a);
CREATE INDEX CONCURRENTLY ON t (b);
BEGIN;
INSERT INTO t VALUES (1, 1);
INSERT INTO t VALUES (2, 1 / 0);
COMMIT;
VACUUM t;`;
    const failure = await failureOf(files.apply('001_a', text));
    expect(failure).toMatchObject({
      at: { line: 7 },
      details: { sqlstate: '22012', partial: true, statementsDone: 3 },
    });
    expect(await rows(ledgerRows)).toEqual([{ name: '001_a', state: 'started', done: 3 }]);
    expect(await value('SELECT count(*)::int FROM t')).toBe(0);
    await files.apply('001_a', text.replace('1 / 0', '1'), 3);
    expect(await value('SELECT count(*)::int FROM t')).toBe(2);
    expect(await rows(ledgerRows)).toMatchObject([{ state: 'applied' }]);
  });

  it('outside one, settings made before the place to go on from are made again', async () => {
    const text =
      '-- orch:transaction none\nCREATE SCHEMA s;\nSET search_path = s;\nCREATE TABLE t (a int);\nVACUUM t;\n';
    await failureOf(files.apply('001_a', text.replace('VACUUM t', 'VACUUM nowhere')));
    await files.apply('001_a', `${text}CREATE TABLE u (a int);`, 3);
    expect(await value("SELECT to_regclass('s.u')::text")).toBe('s.u');
  });

  it('outside one, a transaction left open is rolled back and said', async () => {
    const failure = await failureOf(
      files.apply('001_a', '-- orch:transaction none\nSELECT 1;\nBEGIN;\nCREATE TABLE t (a int);'),
    );
    expect(failure).toMatchObject({
      at: { line: 3 },
      details: { sqlstate: '25000', partial: true, statementsDone: 1 },
    });
    expect(await value("SELECT to_regclass('public.t')")).toBeNull();
  });

  it('a file only of statements that cannot run in one needs no directive', async () => {
    await files.apply('001_a', 'CREATE TABLE t (a int);');
    expect(await files.apply('002_b', 'CREATE INDEX CONCURRENTLY ON t (a);\nVACUUM t;')).toBe('outside a transaction');
  });
});

describe('session state', () => {
  const show = `CREATE TABLE seen AS SELECT current_setting('search_path') AS path, current_setting('role') AS role,
    current_setting('TimeZone') AS zone, current_setting('statement_timeout') AS timeout,
    current_setting('check_function_bodies') AS bodies, to_regclass('pg_temp.temp') AS temp, current_user::text AS me`;
  const leave = `CREATE SCHEMA elsewhere; CREATE TEMPORARY TABLE temp (a int); SET search_path = elsewhere; SET TimeZone = 'Asia/Tokyo';
    SET statement_timeout = '1h'; SET check_function_bodies = off; SET synchronous_commit = off;
    SET standard_conforming_strings = off; SELECT pg_advisory_lock(1); PREPARE p AS SELECT 1;`;

  it.each(['', '-- orch:transaction none\n'])(
    'that a file leaves never reaches the next file or the ledger %j',
    async (directive) => {
      await files.apply('001_before', show.replace('TABLE seen', 'TABLE public.before'));
      const role = `SET ROLE ${service.roles[0]?.name};`;
      await runAsAdmin(postgres, `CREATE ROLE ${service.roles[0]?.name} ROLE ${service.owner.role}`);
      await files.apply('002_leave', `${directive}${leave} ${role}`);
      await files.apply('003_after', show.replace('TABLE seen', 'TABLE public.after'));
      expect(await rows('SELECT * FROM public.after')).toEqual(await rows('SELECT * FROM public.before'));
      expect(await value('SELECT count(*)::int FROM orch.ledger')).toBe(3);
      await runAsAdmin(postgres, `DROP ROLE ${service.roles[0]?.name}`);
    },
  );

  it('ALTER DATABASE … SET search_path to a schema that is not there loses and doubles nothing', async () => {
    await files.apply('001_a', `ALTER DATABASE ${service.database} SET search_path = not_there`);
    await files.target.close();
    await files.apply('002_b', 'CREATE TABLE public.t (a int)');
    expect(await value('SELECT count(*)::int FROM orch.ledger')).toBe(2);
  });
});

describe('dumps and psql', () => {
  it('what pg_dump writes is passed over, its COPY data run', async () => {
    const dump = `--
-- PostgreSQL database dump
--

\\restrict aB3dEf9

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;

CREATE TABLE public.t (
    a integer NOT NULL
);

COPY public.t (a) FROM stdin;
1
2
\\.

ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (a);

--
-- PostgreSQL database dump complete
--

\\unrestrict aB3dEf9

`;
    await files.apply('001_dump', dump);
    expect(await value('SELECT count(*)::int FROM public.t')).toBe(2);
  });

  it('other meta-commands are refused before anything runs, with what to write instead', async () => {
    const text = 'CREATE TABLE t (a int);\n\\i other.sql\n\\set x 1\nSELECT 1 \\gset\n';
    const failure = (await failureOf(files.apply('001_a', text))) as unknown as Failure<'revision-invalid'>;
    expect(failure.details.faults.map(({ line, hint }) => [line, hint !== undefined])).toEqual([
      [2, true],
      [3, true],
      [4, true],
    ]);
    expect(await rows(ledgerRows)).toEqual([]);
  });
});

describe('errors and notices', () => {
  it('a syntax error shows line and column, with the server’s words', async () => {
    const failure = await failureOf(
      files.apply('001_a', "SELECT '😀';\nCREATE TABLE t (a int);\nSELECT 'é', b FROM t;"),
    );
    expect(failure).toMatchObject({
      at: { line: 3, column: 13 },
      details: { sqlstate: '42703', source: "SELECT 'é', b FROM t;", serverHint: undefined, partial: false },
    });
    expect(await value('SELECT message FROM orch.log ORDER BY sequence DESC')).toContain('"b" does not exist');
  });

  it('an error without a position shows its statement', async () => {
    const failure = await failureOf(
      files.apply('001_a', 'CREATE TABLE t (a int PRIMARY KEY);\n\n  INSERT INTO t\n  VALUES (1), (1);\nSELECT 2;'),
    );
    expect(failure).toMatchObject({
      at: { line: 3, column: 3 },
      details: {
        sqlstate: '23505',
        detail: expect.stringContaining('(a)=(1)'),
        statement: 'INSERT INTO t\n  VALUES (1), (1);',
      },
    });
  });

  it('notices are told under the revision and kept in the log, those of a revision that failed too', async () => {
    await files.apply('001_a', "DO $$ BEGIN RAISE NOTICE 'it''s %', 1; RAISE WARNING 'two'; END $$;");
    await failureOf(files.apply('002_b', "DO $$ BEGIN RAISE NOTICE 'three'; END $$; SELECT 1/0;"));
    expect(files.events.filter(({ type }) => type === 'notice-received')).toMatchObject([
      { severity: 'NOTICE', message: "it's 1" },
      { severity: 'WARNING', message: 'two' },
      { severity: 'NOTICE', message: 'three' },
    ]);
    expect(await rows("SELECT revision, message FROM orch.log WHERE action = 'notice' ORDER BY sequence")).toEqual([
      { revision: '001_a', message: "NOTICE: it's 1" },
      { revision: '001_a', message: 'WARNING: two' },
      { revision: '002_b', message: 'NOTICE: three' },
    ]);
  });
});
