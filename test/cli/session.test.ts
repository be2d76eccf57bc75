import { describe, expect, it } from 'vitest';
import { makeProject } from '../support/project-folder.ts';
import { expectFault, run, start, until, untilRunning } from './support.ts';

const settings = (table: string) => `CREATE TABLE public.${table} AS SELECT current_setting('lock_timeout') AS lock,
  current_setting('statement_timeout') AS statement, current_setting('search_path') AS path, current_user::text AS role,
  current_setting('synchronous_commit') AS commit, current_setting('work_mem') AS mem, to_regclass('pg_temp.mine')::text AS temp,
  (SELECT count(*)::int FROM pg_prepared_statements) AS prepared`;

describe('lock_timeout and statement_timeout', () => {
  it('of the directives, else of the policies, are in force in the revision', async () => {
    const project = await makeProject(
      {
        api: {
          revisions: {
            '001_own.up.sql': `-- orch: lock_timeout 1500ms\n-- orch: statement_timeout 7m\n${settings('own')}`,
            '002_policy.up.sql': settings('policy'),
            '003_none.up.sql': `-- orch: lock_timeout 0\n${settings('none')}`,
          },
        },
      },
      { yaml: 'policies: { lockTimeout: 3s, statementTimeout: 9m }' },
    );
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    const ask = (table: string) => project.sql('api', `SELECT lock, statement FROM ${table}`);
    expect(await ask('own')).toEqual([{ lock: '1500ms', statement: '7min' }]);
    expect(await ask('policy')).toEqual([{ lock: '3s', statement: '9min' }]);
    expect(await ask('none')).toEqual([{ lock: '0', statement: '9min' }]);
  });

  it('end what takes longer: exit 5, and nothing stays', async () => {
    const project = await makeProject({
      api: {
        revisions: { '001_x.up.sql': '-- orch: statement_timeout 300ms\nCREATE TABLE x ();\nSELECT pg_sleep(600)' },
      },
    });
    expectFault(await run(project, ['migrate']), {
      code: 5,
      happened: ['canceling statement due to statement timeout (57014)', '001_x.up.sql:3:1'],
      now: 'rolled back',
      next: 'orch migrate',
    });
    expect(await project.sql('api', "SELECT FROM pg_class WHERE relname = 'x'")).toEqual([]);
  });

  it('end a wait for a lock of the application', async () => {
    const project = await makeProject({
      'api-a': { revisions: { '001_t.up.sql': 'CREATE TABLE t (i int)' } },
    });
    await run(project, ['migrate']);
    const blocker = project
      .sql('api-a', 'BEGIN; LOCK TABLE t; SELECT pg_sleep(600)')
      .catch((error: unknown) => String(error));
    const sessions = `SELECT pid FROM pg_stat_activity WHERE datname = '${project.database('api-a')}' AND query LIKE 'BEGIN; LOCK%' AND wait_event = 'PgSleep'`;
    await until(async () => (await project.sql(undefined, sessions)).length > 0);
    await project.write(
      'api-a/revisions/002_t.up.sql',
      '-- orch: lock_timeout 200ms\n-- orch: lock_retry 0\nALTER TABLE t ADD COLUMN j int',
    );
    const ended = await run(project, ['migrate']);
    await project.sql(undefined, `SELECT pg_terminate_backend(s.pid) FROM (${sessions}) AS s`);
    expect(await blocker).toContain('terminating connection');
    expectFault(ended, {
      code: 5,
      happened: ['canceling statement due to lock timeout (55P03)', '002_t.up.sql:3:1'],
      now: 'rolled back',
      next: 'orch migrate',
    });
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  });
});

describe('what a revision leaves in its session', () => {
  it('reaches neither the next revision nor the ledger', async () => {
    const project = await makeProject({
      api: {
        revisions: {
          '001_mess.up.sql': `CREATE SCHEMA trap;
CREATE TABLE trap.ledger (x int);
CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT timestamptz ''2001-01-01''';
SET search_path = trap, public;
SET lock_timeout = '11s'; SET statement_timeout = '12s'; SET work_mem = '77MB';
CREATE TEMPORARY TABLE mine ();
PREPARE stay AS SELECT 1;
SELECT pg_advisory_lock(4711);
LISTEN something;`,
          '002_seen.up.sql': settings('seen'),
          '003_code.ts': `export async function up(database) {
  await database.query('SET search_path = trap');
  await database.query('CREATE TEMPORARY TABLE mine ()');
}`,
          '004_seen.up.sql': settings('seen_later'),
        },
      },
    });
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    const clean = {
      lock: '500ms',
      statement: '0',
      path: '"$user", public',
      role: project.owner('api'),
      commit: 'on',
      temp: null,
      prepared: 0,
    };
    for (const table of ['seen', 'seen_later']) {
      const [row] = await project.sql('api', `SELECT * FROM ${table}`);
      expect(row).toMatchObject(clean);
      expect(row?.mem).not.toBe('77MB');
    }
    const rows = await project.sql<{ year: number }>(
      'api',
      'SELECT extract(year FROM applied_at)::int AS year FROM orch.ledger',
    );
    expect(rows.every(({ year }) => year > 2001)).toBe(true);
    expect(await project.sql('api', 'SELECT FROM trap.ledger')).toEqual([]);
  });

  it('costs no new connection: the revisions of a run have one session, which is not that of the lock', async () => {
    const seen = `INSERT INTO seen SELECT pg_backend_pid(), (SELECT l.pid FROM pg_locks AS l JOIN pg_stat_activity AS a
      ON a.pid = l.pid WHERE l.locktype = 'advisory' AND a.application_name LIKE 'orch lock %' AND a.datname = current_database())`;
    const project = await makeProject({
      api: {
        revisions: {
          '001_seen.up.sql': `CREATE TABLE seen (pid int, keeper int); ${seen}`,
          '002_seen.up.sql': `SET work_mem = '77MB'; ${seen}`,
          '003_seen.up.sql': `-- orch: transaction none\n${seen}`,
          '004_seen.ts': `export async function up({ query }) { await query(${JSON.stringify(seen)}); }`,
          '005_seen.up.sql': seen,
        },
      },
    });
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    const rows = await project.sql<{ pid: number; keeper: number | null }>(
      'api',
      'SELECT DISTINCT pid, keeper FROM seen',
    );
    expect(rows).toEqual([{ pid: expect.any(Number), keeper: expect.any(Number) }]);
    expect(rows[0]?.pid).not.toBe(rows[0]?.keeper);
    expect(await project.sql('api', 'SELECT FROM seen')).toHaveLength(5);
  });

  it('a role that is left set is taken back before the ledger is written', async () => {
    const project = await makeProject({ api: { revisions: { '001_a.up.sql': 'SELECT 1' } } });
    await run(project, ['migrate']);
    await project.sql(undefined, `GRANT pg_monitor TO ${project.owner('api')}`);
    await project.write('api/revisions/002_x.up.sql', 'CREATE TABLE x ();\nSET ROLE pg_monitor;');
    await project.write('api/revisions/003_y.up.sql', 'CREATE TABLE y ();');
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT name, role FROM orch.ledger ORDER BY sequence OFFSET 1')).toEqual([
      { name: '002_x', role: project.owner('api') },
      { name: '003_y', role: project.owner('api') },
    ]);
    const owners = await project.sql('api', "SELECT tableowner FROM pg_tables WHERE tablename IN ('x', 'y')");
    expect(owners).toEqual([{ tableowner: project.owner('api') }, { tableowner: project.owner('api') }]);
  });

  it('is refused where it would change what is recorded', async () => {
    const text = 'DELETE FROM orch.ledger';
    const project = await makeProject({ api: { revisions: { '001_a.up.sql': 'SELECT 1' } } });
    await run(project, ['migrate']);
    await project.write('api/revisions/002_x.up.sql', `CREATE TABLE x ();\n${text};`);
    expectFault(await run(project, ['migrate']), {
      code: 5,
      happened: /api: 002_x failed: the revision removed its row from the ledger \(OR001\)/,
      now: `rolled back; ${project.database('api')} is at 001_a.`,
      next: 'orch migrate',
    });
    expect(await project.sql('api', "SELECT FROM pg_class WHERE relname = 'x'")).toEqual([]);
    expect(await project.sql('api', 'SELECT name FROM orch.ledger')).toEqual([{ name: '001_a' }]);
  });

  it('a log row cannot be changed or deleted, not even by the owner', async () => {
    const project = await makeProject({
      api: { revisions: { '001_a.up.sql': 'SELECT 1', '002_b.up.sql': 'DELETE FROM orch.log' } },
    });
    const ended = await run(project, ['migrate']);
    expectFault(ended, { code: 5, happened: 'orch.log is append-only', now: 'is at 001_a', next: 'orch migrate' });
  });
});

it('ALTER DATABASE … SET search_path holds for revisions, and not for the ledger', async () => {
  const project = await makeProject({
    api: {
      revisions: { '001_schema.up.sql': 'CREATE SCHEMA app; CREATE SCHEMA evil; CREATE TABLE evil.meta (format int);' },
    },
  });
  await run(project, ['migrate']);
  const database = project.database('api');
  await project.sql(undefined, `ALTER DATABASE ${database} SET search_path = app, evil`);
  await project.sql(
    undefined,
    `ALTER ROLE ${project.owner('api')} IN DATABASE ${database} SET statement_timeout = '1ms'`,
  );
  await project.write('api/revisions/002_t.up.sql', 'CREATE TABLE t (); SELECT pg_sleep(0.05);');
  expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  expect(await project.sql('api', "SELECT to_regclass('app.t')::text AS t")).toEqual([{ t: 't' }]);
  expect(await project.sql('api', 'SELECT name FROM orch.heads')).toEqual([{ name: '002_t' }]);
  expect(await run(project, ['status'])).toMatchObject({ code: 0 });
});

it('the session that holds the lock is open in no transaction while a revision works', async () => {
  const project = await makeProject({ api: { revisions: { '001_x.up.sql': 'SELECT pg_sleep(600)' } } });
  const running = start(project, ['migrate']);
  await untilRunning(project, 'api', 'pg_sleep');
  const sql = `SELECT state, xact_start, backend_xmin FROM pg_stat_activity
    WHERE datname = '${project.database('api')}' AND application_name LIKE 'orch lock%'`;
  expect(await project.sql(undefined, sql)).toEqual([{ state: 'idle', xact_start: null, backend_xmin: null }]);
  running.child.kill('SIGINT');
  expect((await running.ended).code).toBe(130);
});
