import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startEmbeddedPostgres } from '../support/embedded-postgres.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectClean, expectFault, jsonLines, run, start, until, untilRunning } from './support.ts';

const sleeping = { '001_slow.up.sql': 'CREATE TABLE slow (); SELECT pg_sleep(600);' };
const quick = { '001_a.up.sql': 'CREATE TABLE a (i int)' };

interface Shown {
  readonly pid: number;
  readonly application: string;
  readonly state: string;
  readonly query?: string;
  readonly holds: readonly string[];
  readonly awaits?: string;
  readonly waitsFor?: string;
  readonly blockedBy: readonly number[];
}

async function shown(project: ProjectFolder, args: readonly string[] = []): Promise<readonly Shown[]> {
  const [, line] = jsonLines(await run(project, ['locks', '-o', 'json', ...args])).filter(({ type }) =>
    ['run-started', 'locks'].includes(type),
  );
  const databases = line?.databases as readonly { readonly service?: string; readonly sessions: readonly Shown[] }[];
  return databases.flatMap(({ service, sessions }) => (service === undefined ? [] : sessions));
}

/** A session in the service's database as superuser, ended with the test. */
async function connect(project: ProjectFolder, application: string): Promise<pg.Client & { readonly pid: number }> {
  const { host, port, adminRole: user, adminPassword: password } = project.postgres;
  const database = project.database('api');
  const client = new pg.Client({ host, port, user, password, database, application_name: application });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return Object.assign(client, { pid: rows[0]?.pid ?? 0 });
}

async function isThere(project: ProjectFolder, pid: number): Promise<boolean> {
  return (await project.sql(undefined, `SELECT FROM pg_stat_activity WHERE pid = ${pid}`)).length > 0;
}

describe('orch locks', () => {
  it('with nobody at work says so', async () => {
    // Another test's orch may be preparing the server that all have.
    const server = await startEmbeddedPostgres({ adminPassword: 'own-canary-3c1d' });
    onTestFinished(() => server.stop());
    const postgres = { ...server, hasVector: false, kind: 'embedded' } as const;
    const project = await makeProject({ api: { revisions: quick } }, { postgres });
    const words = 'Nobody holds a lock of orch or waits for one, and nothing runs for long.\n';
    expect(await run(project, ['locks'])).toMatchObject({ code: 0, stdout: words });
    await run(project, ['migrate']);
    expect(await run(project, ['locks'])).toMatchObject({ code: 0, stdout: words });
  });

  it('names the holder, its work and those who wait', async () => {
    const project = await makeProject({ api: { revisions: sleeping }, 'api-b': { revisions: quick } });
    const holder = start(project, ['migrate', '--service', 'api']);
    await untilRunning(project, 'api', 'pg_sleep');
    const waiting = start(project, ['migrate', '--service', 'api', '--lock-wait', '10m']);
    await waiting.said('waiting for the lock');
    const sessions = await shown(project);
    const lock = sessions.find(({ holds }) => holds.includes('database'));
    expect(lock?.application).toMatch(/^orch lock [0-9a-f-]{36}$/);
    const worker = sessions.find(({ application }) => application.startsWith('orch worker'));
    expect(worker).toMatchObject({ state: 'active', holds: ['transaction'], query: 'applies 001_slow' });
    expect(sessions.find(({ awaits }) => awaits !== undefined)).toMatchObject({
      awaits: 'database',
      holds: [],
      blockedBy: [lock?.pid],
    });
    expect(sessions).toHaveLength(3);
    expect(await shown(project, ['--service', 'api-b'])).toEqual([]);
    const { stdout } = await run(project, ['locks']);
    expect(stdout).toMatch(
      new RegExp(`^api +${project.database('api')} +${lock?.pid} +orch lock .*holds database`, 'm'),
    );
    expect(stdout).toMatch(new RegExp(`waits for database +pid ${lock?.pid}\\b`));
    for (const one of [waiting, holder]) {
      one.child.kill('SIGINT');
      expectClean(await one.ended);
    }
  });

  it('names who blocks a statement, and for what', async () => {
    const project = await makeProject({ api: { revisions: quick } });
    await run(project, ['migrate']);
    const [blocker, blocked] = [await connect(project, 'a reader'), await connect(project, 'an alter')];
    await blocker.query('BEGIN; SELECT FROM a');
    const altering = blocked.query('ALTER TABLE a ADD COLUMN j int').catch((error: unknown) => String(error));
    let sessions: readonly Shown[] = [];
    await until(async () => {
      sessions = await shown(project);
      return sessions.length === 2;
    });
    expect(sessions).toContainEqual(
      expect.objectContaining({ pid: blocker.pid, state: 'idle in transaction', blockedBy: [] }),
    );
    expect(sessions).toContainEqual(
      expect.objectContaining({
        pid: blocked.pid,
        waitsFor: 'relation public.a (AccessExclusiveLock)',
        blockedBy: [blocker.pid],
      }),
    );
    const ended = await run(project, ['locks', '--cancel', String(blocked.pid), '--yes']);
    expect(ended).toMatchObject({
      code: 0,
      stdout: `Cancelled: the statement of pid ${blocked.pid} in ${project.database('api')}.\n`,
    });
    expect(await altering).toContain('canceling statement due to user request');
    expect(await isThere(project, blocked.pid)).toBe(true);
  });

  it('--cancel of a session that runs nothing changes nothing, and says what would', async () => {
    const project = await makeProject({ api: { revisions: quick } });
    await run(project, ['migrate']);
    const idle = await connect(project, 'idle');
    const ended = await run(project, ['locks', '--cancel', String(idle.pid), '--yes']);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`--terminate ${idle.pid} would end`) });
    expect(await isThere(project, idle.pid)).toBe(true);
  });

  it('--terminate ends the session and frees what it held', async () => {
    const project = await makeProject({ api: { revisions: sleeping } });
    const holder = start(project, ['migrate']);
    await untilRunning(project, 'api', 'pg_sleep');
    const refused = await run(project, ['migrate', '--lock-wait', '0']);
    const [, command = ''] = /(locks --service api --terminate \d+)/.exec(refused.stderr) ?? [];
    expectFault(refused, {
      code: 4,
      happened: [/that orch is alive: it last spoke .* ago/],
      now: 'nothing was changed',
      next: [`orch ${command}  # ends that session, only if its work must not go on`],
    });
    const lines = jsonLines(await run(project, [...command.split(' '), '--yes', '-o', 'json']));
    expect(lines.at(-1)).toMatchObject({ type: 'session-ended', action: 'terminate', service: 'api', result: 'ended' });
    const ended = await holder.ended;
    expectFault(ended, {
      code: 8,
      happened: ['was ended from outside', 'terminating connection due to administrator command'],
      now: 'rolled back',
      next: 'orch migrate',
    });
    expect(await shown(project)).toEqual([]);
  });

  it('ends nobody without being told twice', async () => {
    const project = await makeProject({ api: { revisions: quick } });
    await run(project, ['migrate']);
    const other = await connect(project, 'a session');
    expectFault(await run(project, ['locks', '--terminate', String(other.pid)]), {
      code: 2,
      happened: `that pid ${other.pid} is to be ended was not approved`,
      now: 'nothing was done.',
      next: `orch locks --terminate ${other.pid} --yes`,
    });
    expect(await isThere(project, other.pid)).toBe(true);
  });

  it('ends nobody outside the databases that were chosen', async () => {
    const project = await makeProject({ api: { revisions: quick }, 'api-b': { revisions: quick } });
    await run(project, ['migrate']);
    const other = await connect(project, 'a session');
    for (const args of [
      ['--service', 'api-b', '--terminate', String(other.pid)],
      ['--cancel', '2147483647'],
    ]) {
      expectFault(await run(project, ['locks', ...args, '--yes']), {
        code: 2,
        happened: 'no session with the pid',
        now: 'nothing was done.',
        next: 'orch locks',
      });
    }
    expect(await isThere(project, other.pid)).toBe(true);
  });

  it('does not end a session of the maintenance database that is none of its own', async () => {
    const project = await makeProject({ api: { revisions: quick } });
    const { host, port, adminRole: user, adminPassword: password } = project.postgres;
    const other = new pg.Client({ host, port, user, password, database: 'postgres' });
    await other.connect();
    onTestFinished(() => other.end());
    const { rows } = await other.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const pid = rows[0]?.pid ?? 0;
    expect(await run(project, ['locks', '--terminate', String(pid), '--yes'])).toMatchObject({ code: 2 });
    expect(await isThere(project, pid)).toBe(true);
  });
});
