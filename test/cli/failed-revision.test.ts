import { describe, expect, it } from 'vitest';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, jsonLines, run } from './support.ts';

const first = { '001_users.up.sql': 'CREATE TABLE users (id int PRIMARY KEY, age int);' };

async function tables(project: ProjectFolder): Promise<readonly string[]> {
  const rows = await project.sql<{ name: string }>(
    'api',
    "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1",
  );
  return rows.map(({ name }) => name);
}

async function lastLog(project: ProjectFolder): Promise<unknown> {
  const [row] = await project.sql(
    'api',
    'SELECT outcome, revision, sqlstate, message FROM orch.log ORDER BY sequence DESC LIMIT 1',
  );
  return row;
}

describe('a revision that fails', () => {
  it('in its third statement of five leaves nothing, and is told by file, line, column, SQLSTATE and caret', async () => {
    const text = [
      'CREATE TABLE one ();',
      'INSERT INTO users VALUES (1, 30);',
      "  UPDATE users SET aeg = 31 -- names such as 'é😀' take one column a character",
      '  WHERE id = 1;',
      'CREATE TABLE two ();',
      'CREATE TABLE three ();',
    ].join('\n');
    const project = await makeProject({ api: { revisions: { ...first, '002_age.up.sql': text } } });
    const ended = await run(project, ['migrate']);
    expectFault(ended, {
      code: 5,
      happened: [
        'api: 002_age failed: column "aeg" of relation "users" does not exist (42703)',
        '\n  api/revisions/002_age.up.sql:3:20\n',
        `\n  3 |   UPDATE users SET aeg = 31 -- names such as 'é😀' take one column a character\n    |                    ^`,
      ],
      now: `rolled back; ${project.database('api')} is at 001_users.`,
      next: 'orch migrate --service api',
    });
    expect(ended.stderr).toContain('api  002_age  failed ');
    expect(await tables(project)).toEqual(['users']);
    expect(await project.sql('api', 'SELECT FROM users')).toEqual([]);
    expect(await project.sql('api', 'SELECT name FROM orch.ledger')).toEqual([{ name: '001_users' }]);
    expect(await lastLog(project)).toMatchObject({ outcome: 'failed', revision: '002_age', sqlstate: '42703' });
  });

  it.each([
    [
      'INSERT INTO users VALUES (1, 1);\n\n  INSERT INTO users VALUES (1, 2);\nSELECT 1',
      '23505',
      ':3:3',
      'INSERT INTO users VALUES (1, 2);',
    ],
    ["SELECT ';'; SELECT $$;$$; /* ; */ SELECT 1/0;", '22012', ':1:35', 'SELECT 1/0;'],
    ["SELECT 1;\nDO $$ BEGIN\n  RAISE EXCEPTION 'boom';\nEND $$;", 'P0001', ':2:1', 'DO $$ BEGIN'],
  ])('while a statement works has that statement for its place: %j', async (text, sqlstate, place, line) => {
    const project = await makeProject({ api: { revisions: { ...first, '002_x.up.sql': text } } });
    const ended = await run(project, ['migrate']);
    const happened = [`(${sqlstate})`, `\n  api/revisions/002_x.up.sql${place}\n  | ${line}`];
    expectFault(ended, { code: 5, happened, now: 'rolled back', next: 'orch migrate' });
    const [, failed] = jsonLines(await run(project, ['migrate', '-o', 'json'])).filter(({ type }) =>
      type.startsWith('step-f'),
    );
    expect(failed).toMatchObject({
      failure: { code: 'sql-failed', exitCode: 5, place: { line: Number(place.split(':')[1]) } },
    });
  });

  it('at its commit, on a deferred constraint, is rolled back without a word too many', async () => {
    const text = 'CREATE TABLE d (i int UNIQUE DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO d VALUES (1), (1);';
    const project = await makeProject({ api: { revisions: { ...first, '002_d.up.sql': text } } });
    const ended = await run(project, ['migrate']);
    expectFault(ended, {
      code: 5,
      happened: ['(23505)', '002_d.up.sql\n'],
      now: 'is at 001_users',
      next: 'orch migrate',
    });
    expect(ended.stderr).not.toContain('warning');
    expect(await tables(project)).toEqual(['users']);
    expect(await lastLog(project)).toMatchObject({ outcome: 'failed', revision: '002_d', sqlstate: '23505' });
  });

  it('shows the DETAIL of the server, which holds row values, only with --show-data', async () => {
    const text = 'INSERT INTO users VALUES (4711, 1), (4711, 2);';
    const project = await makeProject({ api: { revisions: { ...first, '002_x.up.sql': text } } });
    const hidden = await run(project, ['migrate']);
    expect(hidden.stderr).toContain('detail: not shown, it may hold row values; --show-data shows it');
    expect(hidden.stderr).not.toContain('(id)=(4711)');
    expect((await run(project, ['migrate', '-o', 'json'])).stdout).not.toContain('(id)=(4711)');
    expect((await run(project, ['migrate', '--show-data'])).stderr).toContain(
      'detail: Key (id)=(4711) already exists.',
    );
  });

  it('does not show a password that stands in its text', async () => {
    const text = "ALTER ROLE nobody PASSWORD 'owner-canary-7f3a';\nSELECT 'app-canary-91bc' FROM nowhere;";
    const project = await makeProject({ api: { revisions: { '001_x.up.sql': text } } });
    // `run` holds each output against the canaries.
    expect((await run(project, ['migrate'])).stderr).toContain('001_x failed');
    expect((await run(project, ['migrate', '-o', 'json', '--show-data', '-v'])).stdout).toContain('"sql-failed"');
    await project.write('api/revisions/001_x.up.sql', "SELECT 'app-canary-91bc' FROM nowhere;");
    expect((await run(project, ['migrate'])).stderr).toContain("1 | SELECT '***' FROM nowhere;");
  });

  it('does not let what the server says steer the terminal', async () => {
    const text = "DO $$ BEGIN RAISE EXCEPTION E'a\\x1b[2J\\u202eb'; END $$";
    const project = await makeProject({ api: { revisions: { '001_x.up.sql': text } } });
    for (const args of [['migrate'], ['migrate', '-o', 'json'], ['migrate', '-q']]) {
      const { output } = await run(project, args);
      expect(output.includes('\u001b') || output.includes('\u202e')).toBe(false);
      expect(output).toMatch(/a\\(x|u00)1b\[2J\\u202eb/);
    }
  });

  it.each([
    ['COMMIT;', 'COMMIT would end or begin the transaction that the revision runs in'],
    ['SELECT 1; ROLLBACK', 'ROLLBACK would end or begin the transaction'],
    ['\\connect other', '\\connect is a command of psql, not SQL'],
    ["SELECT 'open", 'this string is not closed'],
    ['SELECT 1; VACUUM;', 'VACUUM cannot run in a transaction'],
    ['-- orch: transction none\nSELECT 1', '"transction" is no directive'],
  ])('is refused before anything runs where that can be seen beforehand: %j', async (text, fault) => {
    const project = await makeProject({ api: { revisions: { ...first, '002_x.up.sql': text } } });
    const ended = await run(project, ['migrate']);
    expectFault(ended, {
      code: 2,
      happened: ['api: 1 fault in its revision files', /api\/revisions\/002_x\.up\.sql:\d:\d+ {2}/, fault, '^'].map(
        (one) => (typeof one === 'string' ? literal(one) : one),
      ),
      now: 'nothing was applied for api.',
      next: 'orch plan',
    });
    expect(
      await project.sql(undefined, `SELECT FROM pg_database WHERE datname = '${project.database('api')}'`),
    ).toEqual([]);
  });

  it('of two services for different reasons ends with 6, for the same with that', async () => {
    const project = await makeProject({
      'api-a': { revisions: { '001_x.up.sql': 'SELECT 1/0' } },
      'api-b': { revisions: { '001_x.up.sql': 'SELECT 1/0' } },
      'api-c': { revisions: { '001_x.up.sql': "SELECT 'open" } },
    });
    expect((await run(project, ['migrate', '-s', 'api-a,api-b'])).code).toBe(5);
    const ended = await run(project, ['migrate']);
    expect(ended.code).toBe(6);
    expect(ended.stderr.match(/^✖ /gm)).toHaveLength(3);
  });
});

function literal(text: string): RegExp {
  return new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
}
