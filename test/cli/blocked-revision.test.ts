import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, jsonLines, run, start, until } from './support.ts';

const table = { '001_t.up.sql': 'CREATE TABLE t (i int)' };
const alter = 'ALTER TABLE t ADD COLUMN j int';
const clients: pg.Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
});

/** A session of the application that does this and keeps its transaction open. */
async function holdOpen(
  project: ProjectFolder,
  service: string,
  sql: string,
): Promise<{ readonly pid: number; readonly client: pg.Client }> {
  const { host, port, adminRole: user, adminPassword: password } = project.postgres;
  const database = project.database(service);
  const client = new pg.Client({ host, port, user, password, database, application_name: 'shop worker' });
  clients.push(client);
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
  await client.query('BEGIN');
  await client.query(sql);
  return { pid: rows[0].pid, client };
}

describe('a revision that cannot have its lock', () => {
  it('is rolled back, tried again and applied once, and who was in the way is told', async () => {
    const project = await makeProject(
      { api: { revisions: { ...table, '002_t.up.sql': `INSERT INTO t VALUES (1);\n${alter}` } } },
      { yaml: 'policies: { lockTimeout: 200ms }' },
    );
    await run(project, ['migrate', '001']);
    const { pid, client } = await holdOpen(project, 'api', 'SELECT count(*) FROM t');
    const running = start(project, ['migrate', '-o', 'json']);
    await running.said('"tries":2');
    await client.query('COMMIT');
    const ended = await running.ended;
    expect(ended.code, ended.output.slice(-500)).toBe(0);
    const blocked = jsonLines(ended).filter(({ type }) => type === 'revision-blocked');
    expect(blocked[0]).toMatchObject({
      step: { revision: '002_t' },
      blockers: [{ pid, application: 'shop worker', role: 'postgres', state: 'idle in transaction' }],
      retry: { sqlstate: '55P03', tries: 1 },
    });
    expect(blocked[0]?.blockers).toMatchObject([{ query: 'SELECT count(*) FROM t' }]);
    expect(await project.sql('api', 'SELECT i FROM t')).toEqual([{ i: 1 }]);
  });

  it('is given up when its budget is used up: exit 5, nothing stays, and what is in the way is named', async () => {
    const project = await makeProject(
      { api: { revisions: { ...table, '002_t.up.sql': `CREATE TABLE u ();\n${alter}` } } },
      { yaml: 'policies: { lockTimeout: 100ms, lockRetry: 1s }' },
    );
    await run(project, ['migrate', '001']);
    const { pid } = await holdOpen(project, 'api', 'SELECT count(*) FROM t');
    const ended = await run(project, ['migrate']);
    expectFault(ended, {
      code: 5,
      happened: [
        /api: 002_t could not have its lock: canceling statement due to lock timeout \(55P03\), \d+ tries in /,
        '002_t.up.sql:2:1',
        'in the way:',
        new RegExp(`pid ${pid} \\(shop worker, role postgres, .*since .*\\), idle in transaction`),
        '| SELECT count(*) FROM t',
      ],
      now: /rolled back; .* is at 001_t/,
      next: [`orch locks --service api --terminate ${pid}`, 'orch migrate --service api'],
    });
    expect(ended.stderr).toMatch(/api {2}002_t {2}could not have its lock \(55P03\), rolled back; try 2 in /);
    expect(await project.sql('api', "SELECT FROM pg_class WHERE relname = 'u'")).toEqual([]);
    expect(await project.sql('api', 'SELECT name FROM orch.ledger')).toEqual([{ name: '001_t' }]);
  });

  it('is rolled back and tried again on the way down too', async () => {
    const project = await makeProject(
      { api: { revisions: { ...table, '001_t.down.sql': 'DROP TABLE t' } } },
      { yaml: 'policies: { lockTimeout: 100ms }' },
    );
    await run(project, ['migrate']);
    const { pid, client } = await holdOpen(project, 'api', 'SELECT count(*) FROM t');
    const running = start(project, ['downgrade', 'base', '--yes', '-o', 'json']);
    await running.said('"tries":2');
    await client.query('COMMIT');
    const ended = await running.ended;
    expect(ended.code, ended.output.slice(-500)).toBe(0);
    const blocked = jsonLines(ended).find(({ type }) => type === 'revision-blocked');
    expect(blocked).toMatchObject({ step: { kind: 'revert-revision' }, blockers: [{ pid }] });
    expect(await project.sql('api', 'SELECT FROM orch.ledger')).toEqual([]);
  });

  it('in TypeScript is run anew as a whole', async () => {
    const code = `export async function up({ query, log }) {
  log.warn('from the top');
  await query('INSERT INTO t VALUES (7)');
  await query('${alter}');
}`;
    const project = await makeProject(
      { api: { revisions: { ...table, '002_t.ts': code } } },
      { yaml: 'policies: { lockTimeout: 100ms }' },
    );
    await run(project, ['migrate', '001']);
    const { client } = await holdOpen(project, 'api', 'SELECT count(*) FROM t');
    const running = start(project, ['migrate', '-o', 'json']);
    await running.said('"tries":1');
    await client.query('COMMIT');
    const ended = await running.ended;
    expect(ended.code, ended.output.slice(-500)).toBe(0);
    const said = jsonLines(ended).filter(({ message }) => message === 'from the top').length;
    expect(said).toBeGreaterThan(1);
    expect(await project.sql('api', 'SELECT i FROM t')).toEqual([{ i: 7 }]);
  });

  it('because of a deadlock is rolled back, tried again and applied once', async () => {
    const two = { '001_t.up.sql': 'CREATE TABLE t (i int); CREATE TABLE u (i int); CREATE TABLE go (i int)' };
    const text = '-- orch: lock_timeout 0\nINSERT INTO go VALUES (1);\nLOCK TABLE u;\nLOCK TABLE t;';
    const project = await makeProject({ api: { revisions: { ...two, '002_t.up.sql': text } } });
    await run(project, ['migrate', '001']);
    const { client } = await holdOpen(project, 'api', 'LOCK TABLE t');
    await client.query("SET deadlock_timeout = '1h'");
    const running = start(project, ['migrate', '-o', 'json']);
    await until(async () => {
      const waits =
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'orch worker%'";
      return (await project.sql('api', `${waits} AND datname = current_database()`)).length > 0;
    });
    await client.query('LOCK TABLE u');
    await client.query('COMMIT');
    const ended = await running.ended;
    expect(ended.code, ended.output.slice(-500)).toBe(0);
    const blocked = jsonLines(ended).find(({ type, retry }) => type === 'revision-blocked' && retry !== undefined);
    expect(blocked).toMatchObject({ retry: { sqlstate: '40P01', tries: 1 } });
    expect(await project.sql('api', 'SELECT i FROM go')).toEqual([{ i: 1 }]);
  });

  it('has its own limits where its file says so', async () => {
    const text = `-- orch: lock_timeout 150ms\n-- orch: lock_retry 0\n${alter}`;
    const project = await makeProject({ api: { revisions: { ...table, '002_t.up.sql': text } } });
    await run(project, ['migrate', '001']);
    await holdOpen(project, 'api', 'SELECT count(*) FROM t');
    expectFault(await run(project, ['migrate']), {
      code: 5,
      happened: /1 try in .*, the last one waited 150 ms/,
      now: 'rolled back',
      next: 'orch migrate',
    });
  });

  it('is not tried again for another error, nor by a fault of its text', async () => {
    const project = await makeProject({
      api: { revisions: { '001_t.up.sql': "DO $$ BEGIN RAISE '' USING ERRCODE = '40001'; END $$" } },
    });
    const ended = await run(project, ['migrate', '-o', 'json']);
    expect(ended.code).toBe(5);
    expect(jsonLines(ended).filter(({ type }) => type === 'revision-blocked')).toEqual([]);
    expect(await project.sql('api', "SELECT sqlstate FROM orch.log WHERE outcome = 'failed'")).toEqual([
      { sqlstate: '40001' },
    ]);
  });

  it('ends at once on Ctrl-C while it pauses', async () => {
    const project = await makeProject(
      { api: { revisions: { ...table, '002_t.up.sql': alter } } },
      { yaml: 'policies: { lockTimeout: 50ms, lockRetry: 1h }' },
    );
    await run(project, ['migrate', '001']);
    await holdOpen(project, 'api', 'SELECT count(*) FROM t');
    const running = start(project, ['migrate', '-o', 'json']);
    await running.said('"tries":3');
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
  });

  it('ends at once when the session with the lock is lost while it pauses', async () => {
    const project = await makeProject(
      { api: { revisions: { ...table, '002_t.up.sql': alter } } },
      { yaml: 'policies: { lockTimeout: 50ms, lockRetry: 1h }' },
    );
    await run(project, ['migrate', '001']);
    await holdOpen(project, 'api', 'SELECT count(*) FROM t');
    const running = start(project, ['migrate', '-o', 'json']);
    await running.said('"tries":3');
    await project.sql(
      'api',
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'orch lock%'",
    );
    const ended = await running.ended;
    expect(ended.code).toBe(8);
    expect(ended.stdout).toContain('"code":"lock-lost"');
  });
});

describe('statements outside a transaction', () => {
  it('that need a strong lock have the time-out and are tried again, each by itself', async () => {
    const text = `-- orch: transaction none\nINSERT INTO t VALUES (1);\n${alter};\nINSERT INTO t VALUES (2);`;
    const project = await makeProject(
      { api: { revisions: { ...table, '002_t.up.sql': text } } },
      { yaml: 'policies: { lockTimeout: 100ms }' },
    );
    await run(project, ['migrate', '001']);
    const { client } = await holdOpen(project, 'api', 'SELECT count(*) FROM t');
    const running = start(project, ['migrate', '-o', 'json']);
    await running.said('"tries":2');
    await client.query('COMMIT');
    const ended = await running.ended;
    expect(ended.code, ended.output.slice(-500)).toBe(0);
    expect(await project.sql('api', 'SELECT i FROM t ORDER BY i')).toEqual([{ i: 1 }, { i: 2 }]);
  });

  it('that are given up say what is done and who was in the way: exit 6', async () => {
    const text = `-- orch: transaction none\nINSERT INTO t VALUES (1);\n${alter};`;
    const project = await makeProject(
      { api: { revisions: { ...table, '002_t.up.sql': text } } },
      { yaml: 'policies: { lockTimeout: 100ms, lockRetry: 300ms }' },
    );
    await run(project, ['migrate', '001']);
    const { pid, client } = await holdOpen(project, 'api', 'SELECT count(*) FROM t');
    expectFault(await run(project, ['migrate']), {
      code: 6,
      happened: ['002_t could not have its lock', '002_t.up.sql:3:1', `pid ${pid} (shop worker`],
      now: '002_t runs outside a transaction: 1 statement of it is done, and the next run goes on behind',
      next: [`orch locks --service api --terminate ${pid}`, 'orch migrate --service api'],
    });
    await client.query('COMMIT');
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT i FROM t')).toEqual([{ i: 1 }]);
  });

  it('that wait without harm wait as long as it takes, and say for whom: an index build survives lock_timeout', async () => {
    const project = await makeProject(
      { api: { revisions: { ...table, '002_i.up.sql': 'CREATE INDEX CONCURRENTLY t_i ON t (i)' } } },
      { yaml: 'policies: { lockTimeout: 100ms, lockRetry: 0 }' },
    );
    await run(project, ['migrate', '001']);
    const { pid, client } = await holdOpen(project, 'api', 'INSERT INTO t VALUES (1)');
    const running = start(project, ['migrate', '-o', 'json']);
    await running.said('"type":"revision-blocked"');
    await client.query('COMMIT');
    const ended = await running.ended;
    expect(ended.code, ended.output.slice(-500)).toBe(0);
    const blocked = jsonLines(ended).find(({ type }) => type === 'revision-blocked');
    expect(blocked).toMatchObject({ blockers: [{ pid }], step: { revision: '002_i' } });
    expect(blocked).not.toHaveProperty('retry');
  });

  it('in TypeScript are held to the same, and a batch that cannot have its rows is done anew', async () => {
    const code = `// orch: transaction none
export async function up({ batches, query, sql }) {
  await query('${alter}');
  await batches({ table: 't', key: 'i' }, ({ keys }) => query(sql\`UPDATE t SET j = i WHERE i = ANY (\${keys}::int[])\`));
}`;
    const project = await makeProject(
      {
        api: {
          revisions: { '001_t.up.sql': 'CREATE TABLE t (i int); INSERT INTO t VALUES (1), (2)', '002_t.ts': code },
        },
      },
      { yaml: 'policies: { lockTimeout: 100ms }' },
    );
    await run(project, ['migrate', '001']);
    const reader = await holdOpen(project, 'api', 'SELECT count(*) FROM t');
    const running = start(project, ['migrate', '-o', 'json']);
    await running.said('"tries":1');
    await reader.client.query('COMMIT');
    await until(
      async () =>
        (await project.sql('api', "SELECT FROM pg_attribute WHERE attname = 'j' AND attrelid = 't'::regclass")).length >
        0,
    );
    const ended = await running.ended;
    expect(ended.code, ended.output.slice(-500)).toBe(0);
    expect(await project.sql('api', 'SELECT i, j FROM t ORDER BY i')).toEqual([
      { i: 1, j: 1 },
      { i: 2, j: 2 },
    ]);
  });
});

describe('the lock of each transaction', () => {
  const open = (project: ProjectFolder) =>
    project.sql<{ key: string }>(
      'api',
      "SELECT ((classid::bigint << 32) | objid::bigint)::text AS key FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid IN (SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'orch worker%')",
    );

  it('keeps the next orch out while the transaction of another one is open, and names it', async () => {
    const project = await makeProject(
      { api: { revisions: { ...table, '002_t.up.sql': 'SELECT pg_sleep(600)' } } },
      { yaml: 'policies: { lockWait: 500ms }' },
    );
    await run(project, ['migrate', '001']);
    const sleeping = start(project, ['migrate']);
    await until(async () => (await open(project)).length > 0);
    const [{ key } = { key: '' }] = await open(project);
    sleeping.child.kill('SIGINT');
    await sleeping.ended;
    await project.write('api/revisions/002_t.up.sql', alter);
    const { pid, client } = await holdOpen(project, 'api', `SELECT pg_advisory_xact_lock(${key})`);
    expectFault(await run(project, ['migrate']), {
      code: 4,
      happened: ['another transaction of orch in', `it is open in pid ${pid} (shop worker`],
      now: 'nothing more was changed',
      next: 'orch migrate',
    });
    const waiting = start(project, ['migrate', '--lock-wait', '1h', '-o', 'json']);
    await waiting.said('"type":"lock-awaited"');
    await client.query('COMMIT');
    expect((await waiting.ended).code).toBe(0);
    expect(await project.sql('api', 'SELECT name FROM orch.ledger ORDER BY name')).toEqual([
      { name: '001_t' },
      { name: '002_t' },
    ]);
  });
});
