import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { findRunning } from '../support/blocked.ts';
import { canaries, canary, countCanaries, finishedRun, readLedger } from '../support/canary.ts';
import { until } from '../support/local-service.ts';
import { type Ended, orch, type RunningOrch, startOrch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { startTcpProxy, type TcpProxy, type Verdict } from '../support/tcp-proxy.ts';

const names = ['001_first', '002_cut', '003_third'];
const onceEach = Object.fromEntries(names.map((name) => [name, 1]));

/** A project with three revisions, reached through a network that the test can break; `also` is run in the second. */
async function behindProxy(also = ''): Promise<{
  project: ProjectFolder;
  proxy: TcpProxy;
  env: { ORCH_SERVER_URL: string };
  start(): RunningOrch;
}> {
  const revisions = { ...canaries(...names), '002_cut.up.sql': canary('002_cut', also) };
  const project = await makeProject({ 'api-a': { revisions } });
  const { adminRole, adminPassword, ...server } = project.postgres;
  const proxy = await startTcpProxy(server);
  const url = `postgresql://${adminRole}:${encodeURIComponent(adminPassword)}@127.0.0.1:${proxy.port}/postgres`;
  const env = { ORCH_SERVER_URL: url };
  const start = (): RunningOrch => startOrch(['migrate', '--output', 'json'], { cwd: project.folder, env });
  return { project, proxy, env, start };
}

/** Does that to the message with the COMMIT of the second revision, once. */
function cutAtCommit(proxy: TcpProxy, verdict: Verdict): { readonly done: boolean } {
  const state = { done: false };
  proxy.judge = ({ sql }) => {
    if (state.done || !sql.endsWith('COMMIT') || !sql.includes('002_cut')) return 'pass';
    state.done = true;
    return verdict;
  };
  return state;
}

/** Not applied: told so, and the next run applies it. */
async function expectNotApplied(project: ProjectFolder, ended: Ended): Promise<void> {
  expect(ended.code, ended.output.slice(-800)).toBe(8);
  expect(finishedRun(ended)).toMatchObject({
    failures: [{ code: 'connection-lost' }],
    services: [{ status: 'failed', applied: ['001_first'] }],
  });
  expect(await readLedger(project, 'api-a')).toEqual(['001_first applied']);
  expect(await orch(['migrate'], { cwd: project.folder })).toMatchObject({ code: 0 });
  expect(await countCanaries(project, 'api-a')).toEqual(onceEach);
}

/** Applied: told so, and the rest goes on in the same run. */
async function expectApplied(project: ProjectFolder, ended: Ended, applied = names): Promise<void> {
  expect(ended.code, ended.output.slice(-800)).toBe(0);
  expect(finishedRun(ended)).toMatchObject({ failures: [], services: [{ status: 'done', applied }] });
  expect(await readLedger(project, 'api-a')).toEqual(names.map((name) => `${name} applied`));
  expect(await countCanaries(project, 'api-a')).toEqual(onceEach);
}

test('cut before COMMIT reaches the server: not applied', async () => {
  const { project, proxy, start } = await behindProxy();
  const cut = cutAtCommit(proxy, 'cut');
  await expectNotApplied(project, await start().ended);
  expect(cut.done).toBe(true);
});

test('cut when the answer to COMMIT comes: applied, and it goes on', async () => {
  const { project, proxy, start } = await behindProxy();
  const cut = cutAtCommit(proxy, 'cut-at-answer');
  await expectApplied(project, await start().ended);
  expect(cut.done).toBe(true);
});

/** A trigger that runs at COMMIT, so that committing takes a while. */
function slowCommit(seconds: number): string {
  return `CREATE TABLE slow (x int);
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(${seconds}); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait();
INSERT INTO slow VALUES (1);`;
}

test('cut while the server commits, which it then does: applied, and it goes on', async () => {
  const { project, proxy, start } = await behindProxy(slowCommit(0.2));
  const cut = cutAtCommit(proxy, 'cut-when-sent');
  await expectApplied(project, await start().ended);
  expect(cut.done).toBe(true);
});

test('cut while the server commits, which it gives up when it sees that the client is gone: not applied', async () => {
  const { project, proxy, start } = await behindProxy(slowCommit(7));
  const cut = cutAtCommit(proxy, 'cut-when-sent');
  const ended = await start().ended;
  await project.write('api-a/revisions/002_cut.up.sql', canary('002_cut'));
  await expectNotApplied(project, ended);
  expect(cut.done).toBe(true);
});

/** A trigger that waits at COMMIT for the test. */
const heldCommit = slowCommit(0).replace('pg_sleep(0)', 'pg_advisory_lock_shared(4711)');

/** A session of the test that does this and goes on until it is ended. */
async function openSession(project: ProjectFolder, sql: string): Promise<pg.Client> {
  const { host, port, adminRole: user, adminPassword: password } = project.postgres;
  const client = new pg.Client({ host, port, user, password, database: project.database('api-a') });
  client.on('error', () => undefined);
  onTestFinished(() => client.end());
  await client.connect();
  await client.query(sql);
  return client;
}

/** Applies the first revision, and keeps every COMMIT of the second one waiting. */
async function holdGate(project: ProjectFolder): Promise<pg.Client> {
  expect(await orch(['migrate', '001'], { cwd: project.folder })).toMatchObject({ code: 0 });
  return await openSession(project, 'SELECT pg_advisory_lock(4711)');
}

/** The backend of the worker whose client is gone, once it waits at COMMIT. */
async function waitsAtCommit(project: ProjectFolder): Promise<void> {
  await until('the server waits at COMMIT', async () => {
    const waits = `datname = '${project.database('api-a')}' AND wait_event = 'advisory'`;
    return (await project.sql(undefined, `SELECT FROM pg_stat_activity WHERE ${waits}`)).length > 0;
  });
}

test('lost while the server commits, and the server does not notice: it is applied once the server says so', async () => {
  const { project, proxy, start } = await behindProxy(heldCommit);
  const gate = await holdGate(project);
  const cut = cutAtCommit(proxy, 'lose-client');
  const run = start();
  await waitsAtCommit(project);
  await until('the outcome is asked for', async () => {
    const asks = `datname = '${project.database('api-a')}' AND application_name LIKE 'orch verdict%'`;
    return (await project.sql(undefined, `SELECT FROM pg_stat_activity WHERE ${asks}`)).length > 0;
  });
  // The old backend stays: its connection to the network between is whole.
  await gate.query('SELECT pg_advisory_unlock(4711)');
  await expectApplied(project, await run.ended, names.slice(1));
  expect(cut.done).toBe(true);
});

test('lost while the server commits, and the ledger cannot be read: the status of the transaction counts', async () => {
  const { project, proxy, start } = await behindProxy(heldCommit);
  const gate = await holdGate(project);
  cutAtCommit(proxy, 'lose-client');
  const run = start();
  await waitsAtCommit(project);
  const locker = await openSession(project, 'BEGIN');
  const locking = locker.query('LOCK TABLE orch.ledger');
  await findRunning(project, 'api-a', 'LOCK TABLE');
  await gate.query('SELECT pg_advisory_unlock(4711)');
  await locking;
  // The next revision is begun only where this one is known to be applied; its row needs the table.
  await run.said(/"type":"revision-blocked".*"revision":"003_third"/);
  await locker.query('ROLLBACK');
  await expectApplied(project, await run.ended, names.slice(1));
});

test('lost while the server commits for longer than orch asks: unknown, and said so; the next run knows', async () => {
  const { project, proxy, start } = await behindProxy(heldCommit);
  const gate = await holdGate(project);
  cutAtCommit(proxy, 'lose-client');
  const ended = await start().ended;
  expect(ended.code, ended.output.slice(-800)).toBe(9);
  expect(finishedRun(ended)).toMatchObject({
    failures: [{ code: 'outcome-unknown', details: { revision: '002_cut', wanted: 'applied' } }],
    services: [{ status: 'failed', heads: ['001_first'], applied: [] }],
  });
  expect(ended.stdout).toContain('is still at work there');
  const next = startOrch(['migrate', '--output', 'json'], { cwd: project.folder });
  await next.said('"type":"lock-awaited"');
  await gate.query('SELECT pg_advisory_unlock(4711)');
  expect((await next.ended).code, (await next.ended).output.slice(-800)).toBe(0);
  expect(await readLedger(project, 'api-a')).toEqual(names.map((name) => `${name} applied`));
  expect(await countCanaries(project, 'api-a')).toEqual(onceEach);
});

test('the COMMIT of a downgrade without an answer: reverted, and it goes on', async () => {
  const { project, proxy, downgrade } = await behindProxyDown();
  const cut = cutAtRevert(proxy, 'cut-at-answer');
  const ended = await downgrade().ended;
  expect(cut.done).toBe(true);
  expect(ended.code, ended.output.slice(-800)).toBe(0);
  expect(await readLedger(project, 'api-a')).toEqual([]);
});

test('the COMMIT of a downgrade that never came: still applied, and the next run reverts it', async () => {
  const { project, proxy, downgrade } = await behindProxyDown();
  const cut = cutAtRevert(proxy, 'cut');
  const ended = await downgrade().ended;
  expect(cut.done).toBe(true);
  expect(ended.code, ended.output.slice(-800)).toBe(8);
  expect(finishedRun(ended)).toMatchObject({ failures: [{ code: 'connection-lost' }] });
  expect(await readLedger(project, 'api-a')).toEqual(['001_first applied', '002_cut applied', '003_third applied']);
  expect((await downgrade().ended).code).toBe(0);
  expect(await readLedger(project, 'api-a')).toEqual([]);
});

/** As `behindProxy`, with everything applied, and a way down. */
async function behindProxyDown(): Promise<{ project: ProjectFolder; proxy: TcpProxy; downgrade(): RunningOrch }> {
  const { project, proxy, env } = await behindProxy();
  for (const name of names) await project.write(`api-a/revisions/${name}.down.sql`, `SELECT 'down ${name}';`);
  expect(await orch(['migrate'], { cwd: project.folder })).toMatchObject({ code: 0 });
  const args = ['downgrade', 'base', '--yes', '--output', 'json'];
  return { project, proxy, downgrade: () => startOrch(args, { cwd: project.folder, env }) };
}

function cutAtRevert(proxy: TcpProxy, verdict: Verdict): { readonly done: boolean } {
  const state = { done: false };
  proxy.judge = ({ sql }) => {
    if (state.done || !sql.endsWith('COMMIT') || !sql.includes("'revert'") || !sql.includes('003_third')) return 'pass';
    state.done = true;
    return verdict;
  };
  return state;
}

test('the session of the revision cut during a statement: not applied', async () => {
  const { project, proxy, start } = await behindProxy('SELECT pg_sleep(600);');
  const run = start();
  await findRunning(project, 'api-a', 'pg_sleep');
  proxy.cut(/^orch worker /);
  const ended = await run.ended;
  await project.write('api-a/revisions/002_cut.up.sql', canary('002_cut'));
  await expectNotApplied(project, ended);
});

test('all sessions cut when the answer to COMMIT comes: that revision is applied, the next one is not without the lock', async () => {
  const { project, proxy, start } = await behindProxy();
  const cut = cutAtCommit(proxy, 'cut-at-answer');
  const { judge } = proxy;
  proxy.judge = (query) => {
    const verdict = judge(query);
    if (verdict === 'cut-at-answer') proxy.cut(/^orch lock /);
    return verdict;
  };
  const ended = await start().ended;
  expect(cut.done).toBe(true);
  expect(ended.code, ended.output.slice(-800)).toBe(8);
  expect(finishedRun(ended)).toMatchObject({
    failures: [{ code: 'lock-lost' }],
    services: [{ status: 'failed', applied: ['001_first', '002_cut'] }],
  });
  expect(await readLedger(project, 'api-a')).toEqual(['001_first applied', '002_cut applied']);
  expect(await orch(['migrate'], { cwd: project.folder })).toMatchObject({ code: 0 });
  expect(await countCanaries(project, 'api-a')).toEqual(onceEach);
});

test('the session with the lock ended by an administrator: the statement is cancelled and rolled back', async () => {
  const project = await makeProject({
    'api-a': { revisions: { ...canaries('001_first'), '002_cut.up.sql': canary('002_cut', 'SELECT pg_sleep(600);') } },
  });
  const run = startOrch(['migrate', '--output', 'json'], { cwd: project.folder });
  const worker = await findRunning(project, 'api-a', 'pg_sleep');
  const sessions = `FROM pg_stat_activity WHERE datname = '${project.database('api-a')}'`;
  await project.sql(undefined, `SELECT pg_terminate_backend(pid) ${sessions} AND application_name LIKE 'orch lock %'`);
  const ended = await run.ended;
  expect(ended.code).toBe(8);
  expect(finishedRun(ended)).toMatchObject({
    failures: [{ code: 'lock-lost' }],
    services: [{ applied: ['001_first'] }],
  });
  expect(await project.sql(undefined, `SELECT ${sessions} AND pid = ${worker}`)).toEqual([]);
  expect(await readLedger(project, 'api-a')).toEqual(['001_first applied']);
});

test('the session with the lock ended while a statement runs outside a transaction: nothing behind it is sent', async () => {
  const text =
    "-- orch: transaction none\nINSERT INTO canary VALUES ('002_cut');\nSELECT pg_sleep(600);\nCREATE TABLE late ();";
  const project = await makeProject({ 'api-a': { revisions: { ...canaries('001_first'), '002_cut.up.sql': text } } });
  const run = startOrch(['migrate', '--output', 'json'], { cwd: project.folder });
  await findRunning(project, 'api-a', 'pg_sleep');
  await endLockSession(project);
  const ended = await run.ended;
  expect(ended.code).toBe(8);
  expect(finishedRun(ended)).toMatchObject({
    failures: [{ code: 'lock-lost' }],
    services: [{ applied: ['001_first'] }],
  });
  expect(await readLedger(project, 'api-a')).toEqual(['001_first applied', '002_cut started']);
  await project.write('api-a/revisions/002_cut.up.sql', text.replace('600', '0'));
  expect(await orch(['migrate'], { cwd: project.folder })).toMatchObject({ code: 0 });
  expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1, '002_cut': 1 });
});

test('the session with the lock ended between two batches: the next one is not begun, and a later run goes on there', async () => {
  const code = `// orch: transaction none
export async function up({ batches, query, sql }) {
  await batches({ table: 'filled', key: 'i', size: 1 }, async ({ keys: [key] }) => {
    await query(sql\`UPDATE filled SET times = times + 1 WHERE i = \${key}::int\`);
    const { rows } = await query("SELECT to_regclass('stop') AS stop");
    if (key !== '2' || rows[0].stop === null) return;
    await query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'orch lock%'");
    await query('SELECT pg_sleep(600)');
  });
}`;
  const rows = `CREATE TABLE filled (i int PRIMARY KEY, times int DEFAULT 0); CREATE TABLE stop ();
INSERT INTO filled SELECT generate_series(1, 4);`;
  const revisions = { '001_rows.up.sql': rows, '002_fill.ts': code };
  const project = await makeProject({ 'api-a': { revisions } });
  const ended = await orch(['migrate', '--output', 'json'], { cwd: project.folder });
  expect(ended.code, ended.output.slice(-800)).toBe(8);
  expect(finishedRun(ended)).toMatchObject({ failures: [{ code: 'lock-lost' }] });
  expect(await project.sql('api-a', 'SELECT i FROM filled WHERE times > 0')).toEqual([{ i: 1 }]);
  await project.sql('api-a', 'DROP TABLE stop');
  expect(await orch(['migrate'], { cwd: project.folder })).toMatchObject({ code: 0 });
  expect(await project.sql('api-a', 'SELECT DISTINCT times FROM filled')).toEqual([{ times: 1 }]);
});

/** As an administrator does it. */
async function endLockSession(project: ProjectFolder): Promise<void> {
  const sessions = `FROM pg_stat_activity WHERE datname = '${project.database('api-a')}'`;
  await project.sql(undefined, `SELECT pg_terminate_backend(pid) ${sessions} AND application_name LIKE 'orch lock %'`);
}
