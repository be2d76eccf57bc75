import { expect, test } from 'vitest';
import { findRunning } from '../support/blocked.ts';
import { canaries, canary, countCanaries, finishedRun } from '../support/canary.ts';
import { orch, startOrch } from '../support/orch.ts';
import { makeProject } from '../support/project-folder.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

/** A project whose second revision sleeps, reached through a network that the test can break. */
async function sleepingBehindProxy() {
  const revisions = { ...canaries('001_first'), '002_slow.up.sql': canary('002_slow', 'SELECT pg_sleep(600);') };
  const project = await makeProject({ 'api-a': { revisions } });
  const { adminRole, adminPassword, ...server } = project.postgres;
  const proxy = await startTcpProxy(server);
  const url = `postgresql://${adminRole}:${encodeURIComponent(adminPassword)}@127.0.0.1:${proxy.port}/postgres`;
  const run = startOrch(['migrate', '--output', 'json'], { cwd: project.folder, env: { ORCH_SERVER_URL: url } });
  const worker = await findRunning(project, 'api-a', 'pg_sleep');
  return { project, proxy, run, worker };
}

test('a server that is gone without a word in the middle of a revision: the run ends and says so, and the lock can be freed', async () => {
  const { project, proxy, run } = await sleepingBehindProxy();
  proxy.stall();
  const ended = await run.ended;
  expect(ended.code, ended.output.slice(-800)).toBe(8);
  expect(finishedRun(ended)).toMatchObject({
    failures: [
      { code: 'lock-lost', details: { reason: expect.stringContaining('the server does not answer any more') } },
    ],
    services: [{ status: 'failed', applied: ['001_first'] }],
  });

  // To the server the dead orch is still there: the proxy keeps both connections open.
  const refused = await orch(['migrate', '--lock-wait', '0'], { cwd: project.folder });
  expect(refused.code).toBe(4);
  expect(refused.stderr).toMatch(/that orch has not spoken for .*: it is stopped, or gone without the server noticing/);
  const [, command = ''] =
    /orch (locks --service api-a --terminate \d+) {2}# ends that session, and/.exec(refused.stderr) ?? [];
  expect(await orch([...command.split(' '), '--yes'], { cwd: project.folder })).toMatchObject({ code: 0 });
  await project.write('api-a/revisions/002_slow.up.sql', canary('002_slow'));
  expect(await orch(['migrate'], { cwd: project.folder })).toMatchObject({ code: 0 });
  expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1, '002_slow': 1 });
});

test('an orch killed in a long statement leaves the lock to the next one within seconds', async () => {
  const { project, run, worker } = await sleepingBehindProxy();
  run.child.kill('SIGKILL');
  await run.ended;
  await project.write('api-a/revisions/002_slow.up.sql', canary('002_slow'));
  const next = await orch(['migrate', '--lock-wait', '10s'], { cwd: project.folder });
  expect(next.code, next.output).toBe(0);
  expect(await project.sql(undefined, `SELECT FROM pg_stat_activity WHERE pid = ${worker}`)).toEqual([]);
  expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1, '002_slow': 1 });
});
