import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { orch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, run, settled } from './support.ts';

const revisions = {
  '001_users.up.sql': 'CREATE TABLE users (id int PRIMARY KEY, email text);',
  '001_users.down.sql': 'DROP TABLE users;',
  '002_roles.up.sql': 'CREATE TABLE roles (name text);',
  '010_logs.up.sql': 'CREATE TABLE logs (at timestamptz);',
};

/** Names in `orch.heads`, as the application role sees them. */
async function heads(project: ProjectFolder, service = 'api'): Promise<readonly string[]> {
  const rows = await project.sql<{ name: string }>(service, 'SELECT name FROM orch.heads ORDER BY name');
  return rows.map(({ name }) => name);
}

describe('orch migrate', () => {
  it('prepares what is missing, applies what is pending, tells each, and sums up on stdout', async () => {
    const project = await makeProject({ api: { revisions } });
    const { code, stdout, stderr } = await run(project, ['migrate']);
    expect(code).toBe(0);
    expect(settled(stderr, project)).toBe(
      [
        `orch migrate  sample  version ${VERSION}`,
        'plan  10 steps for 1 service',
        'api  role api_owner  created  0 ms',
        'api  role api_app  created  0 ms',
        'api  database api_db  created  0 ms',
        'api  001_users  applied  0 ms',
        'api  002_roles  applied  0 ms',
        'api  010_logs  applied  0 ms',
        '',
      ].join('\n'),
    );
    expect(settled(stdout, project)).toBe(
      [
        '',
        '  SERVICE  DATABASE  REVISION  CHANGE  TIME',
        '✔  api  api_db  010_logs  3 revisions applied  0 ms',
        '',
        '1 database done in 0 ms.',
        '',
      ].join('\n'),
    );
    expect(await heads(project)).toEqual(['010_logs']);
  });

  it('does nothing the second time, and says so in one line', async () => {
    const project = await makeProject({ api: { revisions } });
    await run(project, ['migrate']);
    const rows = await project.sql('api', 'SELECT * FROM orch.ledger ORDER BY sequence');
    const again = await run(project, ['migrate']);
    expect(again.code).toBe(0);
    expect(settled(again.stdout, project)).toBe('Nothing to do: 1 database at head (0 ms).\n');
    expect(settled(again.stderr, project)).toBe(`orch migrate  sample  version ${VERSION}\nplan  nothing to do\n`);
    expect(await project.sql('api', 'SELECT * FROM orch.ledger ORDER BY sequence')).toEqual(rows);
  });

  it('is orch upgrade as well', async () => {
    const project = await makeProject({ api: { revisions } });
    expect(await run(project, ['upgrade', '002'])).toMatchObject({ code: 0 });
    expect(await heads(project)).toEqual(['002_roles']);
  });

  it.each([
    ['2', '002_roles'],
    ['0002', '002_roles'],
    ['002_roles', '002_roles'],
    ['002_r', '002_roles'],
    ['head', '010_logs'],
  ])('goes as far as the target %s', async (target, head) => {
    const project = await makeProject({ api: { revisions } });
    expect(await run(project, ['migrate', target])).toMatchObject({ code: 0 });
    expect(await heads(project)).toEqual([head]);
    const again = await run(project, ['migrate', target]);
    const where = target === 'head' ? 'head' : `${target} or beyond`;
    expect(again).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`Nothing to do: 1 database at ${where} (`),
    });
  });

  it('leaves a database that is beyond the target where it is', async () => {
    const project = await makeProject({ api: { revisions } });
    await run(project, ['migrate']);
    expect(await run(project, ['migrate', '1'])).toMatchObject({ code: 0 });
    expect(await heads(project)).toEqual(['010_logs']);
  });

  it.each([
    [
      '002_rolse',
      /api has no revision "002_rolse"\n +did you mean 002_roles\?/,
      'orch history --service api  # lists them',
    ],
    ['007', 'api has no revision "007"', 'orch history --service api  # lists them'],
    ['00', /api: "00" may be any of 2 revisions\n +001_users\n +002_roles/, '001_users  # in the place of 00'],
  ])('refuses the target %s', async (target, happened, next) => {
    const project = await makeProject({ api: { revisions } });
    const ended = await run(project, ['migrate', target]);
    expectFault(ended, { code: 2, happened, now: 'nothing was done for api.', next });
    expect(ended.stderr).toContain('plan  no step  1 service left alone');
    expect(
      await project.sql(undefined, `SELECT FROM pg_database WHERE datname = '${project.database('api')}'`),
    ).toEqual([]);
  });

  it('goes on with the services that it can, in the order of their needs', async () => {
    const project = await makeProject({
      'api-a': { revisions: { '001_bad.up.sql': 'SELECT 1/0' } },
      'api-b': { revisions, needs: ['api-a'] },
      'api-c': { revisions },
    });
    const ended = await run(project, ['migrate']);
    expect(ended.code).toBe(5);
    expect(ended.stdout).toMatch(/✖ +api-a .*failed/);
    expect(ended.stdout).toMatch(/↓ +api-b .*not touched/);
    expect(ended.stdout).toMatch(/✔ +api-c .*3 revisions applied/);
    expect(ended.stdout).toContain('1 of 3 services done, 1 failure, in ');
    expect(ended.stderr).toContain('api-b  apply 001_users  not done: an earlier step failed');
    expect(await heads(project, 'api-c')).toEqual(['010_logs']);
  });

  it('stops everything at the first failure with --fail-fast', async () => {
    const project = await makeProject(
      { 'api-a': { revisions: { '001_bad.up.sql': 'SELECT 1/0' } }, 'api-b': { revisions } },
      { yaml: 'policies: { concurrency: 1 }' },
    );
    const ended = await run(project, ['migrate', '--fail-fast']);
    expect(ended.code).toBe(5);
    expect(ended.stderr).toContain('not done: another service failed (--fail-fast)');
    expect(ended.stdout).toMatch(/↓ +api-b/);
  });

  it('works on the services that --service names, and no others', async () => {
    const project = await makeProject({ 'api-a': { revisions }, 'api-b': { revisions }, 'api-c': { revisions } });
    expect(await run(project, ['migrate', '-s', 'api-a', '--service', 'api-c'])).toMatchObject({ code: 0 });
    const rows = await project.sql<{ datname: string }>(undefined, 'SELECT datname FROM pg_database');
    const names = rows.map(({ datname }) => datname);
    expect(names).toEqual(expect.arrayContaining([project.database('api-a'), project.database('api-c')]));
    expect(names).not.toContain(project.database('api-b'));
  });

  it('finds the config in a parent folder, and shows paths from where it is run', async () => {
    const project = await makeProject({ api: { revisions: { '001_a.up.sql': 'SELECT nothing' } } });
    const ended = await run(project, ['migrate'], { cwd: `${project.folder}/api/revisions` });
    expect(ended.stderr).toContain('\n  001_a.up.sql:1:8\n');
  });
});

it('orch migrate takes any URL of the server from the environment, without a password in the config', async () => {
  const project = await makeProject({ api: { revisions } });
  const { host, port, adminRole, adminPassword } = project.postgres;
  const config = await readFile(`${project.folder}/orchestrator.config.yaml`, 'utf8');
  await project.write('orchestrator.config.yaml', config.replace(/:\d+\/postgres/, ':1/postgres'));
  const url = `postgresql+psycopg://${adminRole}:${encodeURIComponent(adminPassword)}@${host}:${port}/postgres`;
  const ended = await run(project, ['migrate'], { env: { ORCH_SERVER_URL: url } });
  expect(ended).toMatchObject({ code: 0 });
  const lost = await orch(['current'], { cwd: project.folder });
  expect(lost.code).toBe(8);
});
