import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunningOrch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectClean, expectFault, jsonLines, run, start, until, untilRunning } from './support.ts';

const sleeping = { '001_slow.up.sql': 'CREATE TABLE slow (); SELECT pg_sleep(600);' };

/** An orch that holds the lock on the service's database, and is at work there. */
async function startHolder(project: ProjectFolder): Promise<RunningOrch> {
  const holder = start(project, ['migrate', '--service', 'api']);
  await untilRunning(project, 'api', 'pg_sleep');
  return holder;
}

async function holderOf(
  project: ProjectFolder,
): Promise<{ readonly pid: number; readonly port: number; readonly app: string }> {
  const [row] = await project.sql<{ pid: number; port: number; app: string }>(
    'api',
    `SELECT a.pid, a.client_port AS port, a.application_name AS app FROM pg_stat_activity AS a JOIN pg_locks AS l ON l.pid = a.pid
     WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database() AND a.application_name LIKE 'orch lock %'`,
  );
  if (row === undefined) throw new Error('nobody holds the lock');
  return row;
}

async function stop(holder: RunningOrch, signal: NodeJS.Signals): Promise<number | null> {
  holder.child.kill(signal);
  const ended = await holder.ended;
  expectClean(ended);
  return ended.code;
}

describe('the lock of a database', () => {
  it('that another orch holds: waited for, its holder named by pid, application, client and since, then exit 4', async () => {
    const project = await makeProject({ api: { revisions: sleeping } });
    const holder = await startHolder(project);
    const { pid, port, app } = await holderOf(project);
    expect(app).toMatch(/^orch lock [0-9a-f-]{36}$/);
    const who = new RegExp(
      `pid ${pid} \\(${app}, role ${project.owner('api')}, from [\\d.]+:${port}, since \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z\\)`,
    );
    const ended = await run(project, ['migrate', '--lock-wait', '2s']);
    expectFault(ended, {
      code: 4,
      happened: [
        new RegExp(`api: the lock on ${project.database('api')} was not free within 2\\.\\d s`),
        who,
        /that orch is alive: it last spoke .* ago/,
      ],
      now: `nothing was changed in ${project.database('api')}.`,
      next: [
        'orch migrate --service api --lock-wait 10m  # waits longer',
        'orch locks --service api  # shows what it does, and who waits',
        `orch locks --service api --terminate ${pid}  # ends that session, only if its work must not go on`,
      ],
    });
    expect(ended.stderr).toMatch(
      new RegExp(`^api  waiting for the lock on \\S+  [\\d.]+ s  held by ${who.source}$`, 'm'),
    );
    const lines = jsonLines(await run(project, ['migrate', '--lock-wait', '100ms', '-o', 'json']));
    expect(lines.find(({ type }) => type === 'lock-awaited')).toMatchObject({ holder: { pid, application: app } });
    expect(lines.at(-1)).toMatchObject({
      exitCode: 4,
      failures: [{ code: 'lock-held', details: { holder: { pid, role: project.owner('api') } } }],
    });
    expect(await stop(holder, 'SIGTERM')).toBe(143);
  });

  it('is not needed to look: plan, current and status answer meanwhile', async () => {
    const project = await makeProject({ api: { revisions: sleeping } });
    const holder = await startHolder(project);
    expect((await run(project, ['current'])).code).toBe(0);
    expect((await run(project, ['status'])).code).toBe(3);
    expect((await run(project, ['plan'])).stdout).toContain('apply 001_slow');
    expect(await stop(holder, 'SIGINT')).toBe(130);
  });

  it('of another session than an orch is named as far as may be seen', async () => {
    const project = await makeProject({ api: { revisions: { '001_a.up.sql': 'SELECT 1' } } });
    await run(project, ['migrate']);
    await project.write('api/revisions/002_slow.up.sql', sleeping['001_slow.up.sql']);
    const holder = await startHolder(project);
    const [key] = await project.sql<{ key: string }>(
      'api',
      `SELECT ((classid::bigint << 32) | objid::bigint)::text AS key FROM pg_locks
       WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND pid IN (SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'orch lock %')`,
    );
    await stop(holder, 'SIGINT');
    const { host, port, adminRole: user, adminPassword: password } = project.postgres;
    const other = new pg.Client({
      host,
      port,
      user,
      password,
      database: project.database('api'),
      application_name: 'a forgotten psql',
    });
    await other.connect();
    onTestFinished(() => other.end());
    await other.query('SELECT pg_advisory_lock($1::bigint)', [key?.key]);
    const ended = await run(project, ['migrate', '--lock-wait', '0']);
    expectFault(ended, {
      code: 4,
      happened: new RegExp(`held by pid \\d+ \\(a forgotten psql, role ${user}\\)`),
      now: 'nothing was changed',
      next: [
        'orch migrate --service api --lock-wait 10m',
        /orch locks --service api --terminate \d+ {2}# ends that session, only if it is stuck/,
      ],
    });
    await other.query('SELECT pg_advisory_unlock_all()');
    await project.write('api/revisions/002_slow.up.sql', 'SELECT 1');
    expect(await run(project, ['migrate', '--lock-wait', '0'])).toMatchObject({ code: 0 });
  });
});

describe('an interrupt', () => {
  it.each([
    ['SIGINT', 130, 'Ctrl-C'],
    ['SIGTERM', 143, 'SIGTERM'],
  ] as const)('by %s cancels the statement, rolls back, unlocks and ends with %d', async (signal, code, words) => {
    const project = await makeProject({ api: { revisions: { '000_a.up.sql': 'SELECT 1', ...sleeping } } });
    const holder = await startHolder(project);
    holder.child.kill(signal);
    const ended = await holder.ended;
    expectClean(ended);
    expect({ code: ended.code, signal: ended.signal }).toEqual({ code, signal: null });
    expect(ended.stderr).toContain(`stopping (${words})`);
    expect(ended.stdout).toMatch(/Interrupted after .*: 0 of 1 done\./);
    expect(await project.sql('api', 'SELECT name FROM orch.ledger')).toEqual([{ name: '000_a' }]);
    expect(await project.sql('api', "SELECT FROM pg_class WHERE relname = 'slow'")).toEqual([]);
    const sessions = `SELECT FROM pg_stat_activity WHERE datname = '${project.database('api')}' AND application_name LIKE 'orch %'`;
    await until(async () => (await project.sql(undefined, sessions)).length === 0);
    await project.write('api/revisions/001_slow.up.sql', 'SELECT 1');
    expect(await run(project, ['migrate', '--lock-wait', '0'])).toMatchObject({ code: 0 });
  });

  it('while another orch holds the lock ends the wait', async () => {
    const project = await makeProject({ api: { revisions: sleeping } });
    const holder = await startHolder(project);
    const waiting = start(project, ['migrate', '--lock-wait', '10m']);
    await waiting.said('waiting for the lock');
    expect(await stop(waiting, 'SIGINT')).toBe(130);
    expect(await stop(holder, 'SIGINT')).toBe(130);
  });

  it('of JSON output ends with a documented line', async () => {
    const project = await makeProject({ api: { revisions: sleeping } });
    const running = start(project, ['migrate', '-o', 'json']);
    await untilRunning(project, 'api', 'pg_sleep');
    running.child.kill('SIGINT');
    const lines = jsonLines(await running.ended);
    expect(lines.some(({ type }) => type === 'stop-requested')).toBe(true);
    expect(lines.at(-1)).toMatchObject({ type: 'run-finished', exitCode: 130, interrupted: 'SIGINT' });
  });
});
