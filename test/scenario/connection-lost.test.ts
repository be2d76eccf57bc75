import { expect, test } from 'vitest';
import { findRunning } from '../support/blocked.ts';
import { canaries, canary, countCanaries, finishedRun, readLedger } from '../support/canary.ts';
import { type Ended, orch, type RunningOrch, startOrch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { startTcpProxy, type TcpProxy, type Verdict } from '../support/tcp-proxy.ts';

const names = ['001_first', '002_cut', '003_third'];
const onceEach = Object.fromEntries(names.map((name) => [name, 1]));

/** A project with three revisions, reached through a network that the test can break; `also` is run in the second. */
async function behindProxy(also = ''): Promise<{ project: ProjectFolder; proxy: TcpProxy; start(): RunningOrch }> {
  const revisions = { ...canaries(...names), '002_cut.up.sql': canary('002_cut', also) };
  const project = await makeProject({ 'api-a': { revisions } });
  const { adminRole, adminPassword, ...server } = project.postgres;
  const proxy = await startTcpProxy(server);
  const url = `postgresql://${adminRole}:${encodeURIComponent(adminPassword)}@127.0.0.1:${proxy.port}/postgres`;
  const start = (): RunningOrch =>
    startOrch(['migrate', '--output', 'json'], { cwd: project.folder, env: { ORCH_SERVER_URL: url } });
  return { project, proxy, start };
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
async function expectApplied(project: ProjectFolder, ended: Ended): Promise<void> {
  expect(ended.code, ended.output.slice(-800)).toBe(0);
  expect(finishedRun(ended)).toMatchObject({ failures: [], services: [{ status: 'done', applied: names }] });
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
  const { project, proxy, start } = await behindProxy(slowCommit(1));
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
