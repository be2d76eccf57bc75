import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findRunning } from '../support/blocked.ts';
import { canaries, canary, countCanaries, countLeftovers, readLedger, readLog } from '../support/canary.ts';
import { holdGate } from '../support/gate.ts';
import { freePort, until } from '../support/local-service.ts';
import { orch, type RunningOrch, startOrch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const signals = [
  ['SIGINT', 130, 'Ctrl-C'],
  ['SIGTERM', 143, 'SIGTERM'],
] as const;

/** A project at 001 whose second revision takes ten minutes. */
async function projectWithLongRevision(): Promise<ProjectFolder> {
  const project = await makeProject({ 'api-a': { revisions: canaries('001_first') } });
  expect((await orch(['migrate'], { cwd: project.folder })).code).toBe(0);
  await project.write('api-a/revisions/002_long.up.sql', canary('002_long', 'SELECT pg_sleep(600);'));
  return project;
}

/** The same revision, as quick as others: what runs next applies it. */
async function applyQuickly(project: ProjectFolder): Promise<void> {
  await project.write('api-a/revisions/002_long.up.sql', canary('002_long'));
  expect(await orch(['migrate'], { cwd: project.folder })).toMatchObject({ code: 0 });
  expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1, '002_long': 1 });
}

async function expectRolledBack(project: ProjectFolder): Promise<void> {
  expect(await readLedger(project, 'api-a')).toEqual(['001_first applied']);
  expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1 });
  await until('nothing of orch is left in the database', async () => {
    const { locks, sessions } = await countLeftovers(project, 'api-a');
    return locks + sessions === 0;
  });
}

describe.each(signals)('%s', (signal, code, name) => {
  test('during a long statement cancels it, rolls back, unlocks, reports and ends within 10 s', async () => {
    const project = await projectWithLongRevision();
    const run = startOrch(['migrate'], { cwd: project.folder });
    await findRunning(project, 'api-a', 'pg_sleep');
    const began = performance.now();
    run.child.kill(signal);
    const ended = await run.ended;
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(ended).toMatchObject({ code, signal: null });
    expect(ended.stderr).toContain(`stopping (${name})`);
    expect(ended.stdout).toContain('Interrupted');
    await expectRolledBack(project);
    expect((await readLog(project, 'api-a')).at(-1)).toBe('apply failed 002_long');
    await applyQuickly(project);
  });
});

test('SIGTERM while it waits for the lock ends the wait at once', async () => {
  const project = await projectWithLongRevision();
  const gate = await holdGate(project, 'api-a');
  await project.write('api-a/revisions/002_long.up.sql', canary('002_long', gate.sql));
  const holder = startOrch(['migrate'], { cwd: project.folder });
  await gate.waiter();
  const waiting = startOrch(['migrate'], { cwd: project.folder });
  await waiting.said('waiting for the lock');
  waiting.child.kill('SIGTERM');
  expect(await waiting.ended).toMatchObject({ code: 143, signal: null });
  await gate.open();
  expect((await holder.ended).code).toBe(0);
  expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1, '002_long': 1 });
});

test('SIGINT while it waits for a server that is not there ends the wait at once', async () => {
  const project = await makeProject(
    { 'api-a': { revisions: canaries('001_first') } },
    { server: `postgresql://postgres@127.0.0.1:${await freePort()}/postgres` },
  );
  const waiting = startOrch(['wait'], { cwd: project.folder });
  await waiting.said('no TCP connection');
  waiting.child.kill('SIGINT');
  const ended = await waiting.ended;
  expect(ended).toMatchObject({ code: 130, signal: null });
  expect(ended.stderr).toContain('interrupted by Ctrl-C (SIGINT)');
});

test('SIGTERM while a server accepts the connection and never answers ends the wait at once', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const connected = once(silent, 'connection');
  onTestFinished(() => void silent.close());
  const address = silent.address() as { port: number };
  const project = await makeProject(
    { 'api-a': { revisions: canaries('001_first') } },
    { server: `postgresql://postgres@127.0.0.1:${address.port}/postgres` },
  );
  const waiting = startOrch(['migrate'], { cwd: project.folder });
  await connected;
  waiting.child.kill('SIGTERM');
  expect(await waiting.ended).toMatchObject({ code: 143, signal: null });
});

/** A run in the middle of a long statement, whose server does not answer any more. */
async function startCutOff(): Promise<{ project: ProjectFolder; run: RunningOrch; proxy: TcpProxy }> {
  const project = await projectWithLongRevision();
  const { adminRole, adminPassword, ...server } = project.postgres;
  const proxy = await startTcpProxy(server);
  const env = {
    ORCH_SERVER_URL: `postgresql://${adminRole}:${encodeURIComponent(adminPassword)}@127.0.0.1:${proxy.port}/postgres`,
  };
  const run = startOrch(['migrate'], { cwd: project.folder, env });
  await findRunning(project, 'api-a', 'pg_sleep');
  proxy.stall();
  return { project, run, proxy };
}

test('a second signal ends it at once, and the server rolls back what was open', async () => {
  const { project, run, proxy } = await startCutOff();
  run.child.kill('SIGINT');
  await run.said('stopping (Ctrl-C)');
  run.child.kill('SIGINT');
  const ended = await run.ended;
  expect(ended).toMatchObject({ code: 130, signal: null });
  expect(ended.stderr).not.toContain('ending anyway');
  // The machine of the killed client closes its connections.
  proxy.cut(/./);
  await applyQuickly(project);
});

test('a server that does not answer keeps an interrupted run for no longer than 10 s', async () => {
  const { project, run, proxy } = await startCutOff();
  const began = performance.now();
  run.child.kill('SIGTERM');
  const ended = await run.ended;
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(ended).toMatchObject({ code: 143, signal: null });
  expect(ended.stderr).toContain('ending anyway');
  proxy.cut(/./);
  await applyQuickly(project);
});

test('SIGKILL during a statement: the server frees the lock, and the next run applies the revision once', async () => {
  const project = await projectWithLongRevision();
  const run = startOrch(['migrate'], { cwd: project.folder });
  await findRunning(project, 'api-a', 'pg_sleep');
  run.child.kill('SIGKILL');
  expect(await run.ended).toMatchObject({ signal: 'SIGKILL' });
  // It waits for the lock until the server has noticed that the client is gone (client_connection_check_interval).
  const began = performance.now();
  await applyQuickly(project);
  process.stderr.write(`recovery after SIGKILL mid-statement: ${Math.round(performance.now() - began)} ms\n`);
});

test('SIGKILL during a statement outside a transaction: the next run goes on behind the last statement done', async () => {
  const project = await projectWithLongRevision();
  const lines = ['-- orch: transaction none', 'CREATE TABLE steps (x int);', 'INSERT INTO steps VALUES (1);'];
  const text = (last: string): string => [...lines, last, "INSERT INTO canary VALUES ('002_long');"].join('\n');
  await project.write('api-a/revisions/002_long.up.sql', text('SELECT count(slept) FROM gate;'));
  await project.sql(
    'api-a',
    `SET ROLE "${project.owner('api-a')}"; CREATE VIEW gate AS SELECT pg_sleep(600)::text AS slept`,
  );
  const run = startOrch(['migrate'], { cwd: project.folder });
  await findRunning(project, 'api-a', 'FROM gate');
  run.child.kill('SIGKILL');
  await run.ended;
  expect(await readLedger(project, 'api-a')).toEqual(['001_first applied', '002_long started']);
  // The same text, so the same checksum; only what it waits for is gone.
  await project.sql('api-a', "CREATE OR REPLACE VIEW gate AS SELECT ''::text AS slept");
  expect((await orch(['migrate', '--lock-wait', '20s'], { cwd: project.folder })).code).toBe(0);
  expect(await project.sql('api-a', 'SELECT x FROM steps')).toEqual([{ x: 1 }]);
  expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1, '002_long': 1 });
});
