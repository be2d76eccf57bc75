import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, jsonLines, run } from './support.ts';

const revisions = {
  '001_users.up.sql': 'CREATE TABLE users (id int); INSERT INTO users SELECT generate_series(1, 42);',
  '002_roles.up.sql': 'CREATE TABLE roles (name text);',
};

async function oid(project: ProjectFolder, service: string): Promise<unknown> {
  const [row] = await project.sql(
    undefined,
    `SELECT oid FROM pg_database WHERE datname = '${project.database(service)}'`,
  );
  return row?.oid;
}

describe('orch reset', () => {
  it('shows what will be lost, and without a terminal and --yes touches nothing', async () => {
    const project = await makeProject({ api: { revisions } });
    await run(project, ['migrate']);
    const before = await oid(project, 'api');
    const ended = await run(project, ['reset', 'api'], { input: `${project.database('api')}\n` });
    expectFault(ended, {
      code: 2,
      happened: `the loss of ${project.database('api')} was not approved`,
      now: 'nothing was done.',
      next: `orch reset ${project.database('api')} --yes  # approves without asking`,
    });
    expect(ended.stderr).toMatch(
      new RegExp(`The database ${project.database('api')} will be dropped: 2 tables, [\\d.]+ MB\\.\n`),
    );
    expect(ended.stderr).toMatch(/^TABLE +ROWS\n.*roles +0\n.*users +42\n/m);
    expect(ended.stdout).toBe('');
    expect(await oid(project, 'api')).toBe(before);
  });

  it.each(['database', 'service'])('takes the name of a %s, and touches no other database', async (kind) => {
    const project = await makeProject({ 'api-a': { revisions }, 'api-b': { revisions } });
    await run(project, ['migrate']);
    await project.sql('api-a', 'INSERT INTO roles VALUES (1)');
    const [before, other] = [await oid(project, 'api-a'), await oid(project, 'api-b')];
    const ended = await run(project, ['reset', kind === 'service' ? 'api-a' : project.database('api-a'), '--yes']);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(
      /database \S+ {2}dropped[\s\S]*database \S+ {2}created[\s\S]*001_users {2}applied[\s\S]*002_roles {2}applied/,
    );
    expect(ended.stdout).toContain('2 revisions applied');
    expect(await oid(project, 'api-a')).not.toBe(before);
    expect(await oid(project, 'api-b')).toBe(other);
    expect(await project.sql('api-a', 'SELECT FROM roles')).toEqual([]);
    const [owner] = await project.sql(
      undefined,
      `SELECT pg_get_userbyid(datdba) AS name FROM pg_database WHERE datname = '${project.database('api-a')}'`,
    );
    expect(owner).toEqual({ name: project.owner('api-a') });
  });

  it('tells the loss as JSON', async () => {
    const project = await makeProject({ api: { revisions } });
    const nothing = jsonLines(await run(project, ['reset', 'api', '--yes', '-o', 'json']));
    expect(nothing.find(({ type }) => type === 'loss')).toMatchObject({ exists: false, tables: [] });
    const lines = jsonLines(await run(project, ['reset', 'api', '--yes', '-o', 'json']));
    expect(lines.find(({ type }) => type === 'loss')).toMatchObject({
      service: 'api',
      database: project.database('api'),
      exists: true,
      tables: expect.arrayContaining([expect.objectContaining({ rows: 42, exact: true })]),
    });
  });

  it.each(['test', 'staging', 'production'])('is refused in %s, whatever is given', async (environment) => {
    const project = await makeProject({ api: { revisions } }, { environment });
    await run(project, ['migrate']);
    const before = await oid(project, 'api');
    for (const more of [[], ['--yes'], ['-y', '--quiet', '--runtime', 'local']]) {
      expectFault(await run(project, ['reset', 'api', ...more], { input: `${project.database('api')}\n` }), {
        code: 2,
        happened: `reset of ${project.database('api')} is refused: the environment is ${environment}, not development`,
        now: 'nothing was done.',
        next: 'environment: development  # in orchestrator.config.yaml',
      });
    }
    expect(await oid(project, 'api')).toBe(before);
  });

  it('is refused where the config says nothing of its environment', async () => {
    const project = await makeProject({ api: { revisions } });
    const config = await readFile(`${project.folder}/orchestrator.config.yaml`, 'utf8');
    await project.write('orchestrator.config.yaml', config.replace('environment: development\n', ''));
    const ended = await run(project, ['reset', 'api', '--yes']);
    expect(ended.stderr).toContain('the environment is production, not development');
    expect(ended.code).toBe(2);
  });

  it('says where it stopped when a revision fails', async () => {
    const project = await makeProject({ api: { revisions } });
    await run(project, ['migrate']);
    await project.write('api/revisions/003_bad.up.sql', 'SELECT 1/0');
    expectFault(await run(project, ['reset', 'api', '--yes']), {
      code: 5,
      happened: 'api: 003_bad failed: division by zero (22012)',
      now: `rolled back; ${project.database('api')} is at 002_roles.`,
      next: 'orch migrate --service api',
    });
    await project.write('api/revisions/003_bad.up.sql', 'SELECT 1');
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  });
});

describe('orch wait', () => {
  it('says that the server is ready, and changes nothing', async () => {
    const project = await makeProject({ api: { revisions } });
    const ended = await run(project, ['wait']);
    expect(ended).toMatchObject({ code: 0, stdout: '' });
    expect(ended.stderr).toMatch(/^main {2}ready {2}/m);
    expect(await oid(project, 'api')).toBeUndefined();
  });
});

describe('orch status', () => {
  it('exits 3 where something is pending, 0 where nothing is, for the services that are named', async () => {
    const project = await makeProject({ 'api-a': { revisions }, 'api-b': { revisions } });
    const bare = await run(project, ['status']);
    expect(bare.code).toBe(3);
    expect(bare.stdout).toMatch(/^api-a +\S+ +none +2: 001_users, 002_roles +behind$/m);
    await run(project, ['migrate', '--service', 'api-a']);
    await run(project, ['migrate', '--service', 'api-b', '1']);
    const half = await run(project, ['status']);
    expect(half.code).toBe(3);
    expect(half.stdout).toMatch(/^api-a +\S+ +002_roles +none +at head$/m);
    expect(half.stdout).toMatch(/^api-b +\S+ +001_users +1: 002_roles +behind$/m);
    expect((await run(project, ['status', '--service', 'api-a'])).code).toBe(0);
    expect((await run(project, ['status', '--service', 'api-b'])).code).toBe(3);
  });
});

describe('orch current', () => {
  it('says what is applied without a look at the revision files', async () => {
    const project = await makeProject({ api: { revisions } });
    await run(project, ['migrate']);
    await project.write('api/revisions/broken.sql', '');
    expect(await run(project, ['current'])).toMatchObject({ code: 0, stdout: expect.stringContaining('002_roles') });
    expect((await run(project, ['status'])).code).toBe(2);
  });
});

describe('orch down and orch logs', () => {
  it('say that nothing runs where nothing does', async () => {
    const project = await makeProject({ api: { revisions } });
    expect(await run(project, ['down'])).toMatchObject({ code: 0, stdout: 'Nothing was running.\n' });
    expect(await run(project, ['logs'])).toMatchObject({ code: 0, stdout: '' });
  });

  it('orch down --volumes is refused outside development', async () => {
    const project = await makeProject({ api: { revisions } }, { environment: 'production' });
    expectFault(await run(project, ['down', '--volumes']), {
      code: 2,
      happened: `deleting the data of ${project.database('api')} is refused: the environment is production, not development`,
      now: 'nothing was done.',
      next: 'environment: development',
    });
  });
});

describe('--runtime compose without a Docker engine', () => {
  it.each([['up'], ['status'], ['logs'], ['down'], ['reset', 'api', '--yes']])(
    'exits 12 and says what to do: orch %s',
    async (...args) => {
      const project = await makeProject({ api: { revisions } }, { yaml: 'compose: { files: [compose.yaml] }' });
      await project.write('compose.yaml', 'services: {}\n');
      const ended = await run(project, [...args, '--runtime', 'compose']);
      expectFault(ended, {
        code: 12,
        happened: ['Docker engine', 'unix:///nowhere/docker.sock'],
        now: 'no container was touched.',
        next: ['docker ', '--runtime local'],
      });
      const json = jsonLines(await run(project, [...args, '-o', 'json'], { env: { ORCH_RUNTIME: 'compose' } }));
      expect(json.at(-1)).toMatchObject({ type: 'run-failed', failure: { code: 'docker-unavailable', exitCode: 12 } });
      expect(await oid(project, 'api')).toBeUndefined();
    },
  );

  it('does not keep databases from being migrated', async () => {
    const project = await makeProject({ api: { revisions } });
    expect(await run(project, ['migrate', '--runtime', 'compose'])).toMatchObject({ code: 0 });
  });
});
