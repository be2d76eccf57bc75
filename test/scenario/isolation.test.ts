import { describe, expect, test } from 'vitest';
import { canaries, canary, countCanaries, finishedRun, readLedger } from '../support/canary.ts';
import { holdGate } from '../support/gate.ts';
import { orch, startOrch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';

const broken = { '002_broken.up.sql': canary('002_broken', 'INSERT INTO nowhere VALUES (1);') };

describe('where the revision of one service of three fails', () => {
  test('the others go on, the one that needs it is not touched, and the run ends with 5', async () => {
    const project = await threeServices();
    const ended = await orch(['migrate'], { cwd: project.folder });
    expect(ended.code).toBe(5);
    expect(await readLedger(project, 'api-free')).toEqual(['001_first applied', '002_second applied']);
    expect(await countCanaries(project, 'api-free')).toEqual({ '001_first': 1, '002_second': 1 });
    expect(await readLedger(project, 'api-broken')).toEqual(['001_first applied']);
    expect(await countCanaries(project, 'api-broken')).toEqual({ '001_first': 1 });
    const names = `'${project.database('api-needs')}'`;
    expect(await project.sql(undefined, `SELECT FROM pg_database WHERE datname = ${names}`)).toEqual([]);
    expect(ended.stdout).toMatch(/✖ +api-broken .*001_first .*failed/);
    expect(ended.stdout).toMatch(/↓ +api-needs .*not touched/);
    expect(ended.stdout).toMatch(/✔ +api-free .*002_second .*2 revisions applied/);
    expect(ended.stdout).toMatch(/1 of 3 services done, 1 failure/);
    expect(ended.stderr).toContain('api-broken: 002_broken failed: relation "nowhere" does not exist (42P01)');
    expect(ended.stderr).toMatch(/api-broken\/revisions\/002_broken\.up\.sql:1:13/);
    expect(ended.stderr).toContain('orch migrate --service api-broken');
  });

  test('the next run, with the revision mended, does what was left, each once', async () => {
    const project = await threeServices();
    expect((await orch(['migrate'], { cwd: project.folder })).code).toBe(5);
    await project.write('api-broken/revisions/002_broken.up.sql', canary('002_broken'));
    const ended = await orch(['migrate', '--output', 'json'], { cwd: project.folder });
    const statuses = finishedRun(ended).services.map(({ service, status, applied }) => [service, status, applied]);
    expect(statuses).toEqual([
      ['api-broken', 'done', ['002_broken']],
      ['api-needs', 'done', ['001_first']],
      ['api-free', 'unchanged', []],
    ]);
    for (const service of ['api-broken', 'api-needs', 'api-free']) {
      expect(new Set(Object.values(await countCanaries(project, service)))).toEqual(new Set([1]));
    }
  });

  test('with --fail-fast what has begun is ended, and nothing else is begun', async () => {
    const project = await makeProject({
      'api-broken': { revisions: canaries('001_first') },
      'api-free': { revisions: canaries('001_first') },
    });
    expect((await orch(['migrate'], { cwd: project.folder })).code).toBe(0);
    const gate = await holdGate(project, 'api-free');
    await project.write('api-broken/revisions/002_broken.up.sql', broken['002_broken.up.sql']);
    await project.write('api-free/revisions/002_gated.up.sql', canary('002_gated', gate.sql));
    await project.write('api-free/revisions/003_third.up.sql', canary('003_third'));
    const run = startOrch(['migrate', '--fail-fast'], { cwd: project.folder });
    await gate.waiter();
    await run.said('002_broken  failed');
    await gate.open();
    const ended = await run.ended;
    expect(ended.code).toBe(5);
    expect(await readLedger(project, 'api-free')).toEqual(['001_first applied', '002_gated applied']);
    expect(ended.stderr).toContain('not done: another service failed (--fail-fast)');
    expect(ended.stdout).toContain('0 of 2 services done, 1 failure');
  });
});

test('a server that refuses the login fails only the services that live there', async () => {
  const project = await threeServices();
  const { adminRole, host, port } = project.postgres;
  const env = { ORCH_SERVER_URL_API_BROKEN: `postgresql://${adminRole}:wrong@${host}:${port}/postgres` };
  const ended = await orch(['migrate'], { cwd: project.folder, env });
  expect(ended.code).toBe(8);
  expect(await readLedger(project, 'api-free')).toEqual(['001_first applied', '002_second applied']);
  expect(ended.stdout).toMatch(/✖ +api-broken/);
  expect(ended.stdout).toMatch(/↓ +api-needs/);
});

function threeServices(): Promise<ProjectFolder> {
  return makeProject({
    'api-broken': { revisions: { ...canaries('001_first'), ...broken } },
    'api-needs': { revisions: canaries('001_first'), needs: ['api-broken'] },
    'api-free': { revisions: canaries('001_first', '002_second') },
  });
}
