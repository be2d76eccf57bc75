import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { checksumOf } from '../../src/adapters/files/checksum.ts';
import { VERSION } from '../../src/version.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { jsonLines, run } from './support.ts';

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

describe('seeds', () => {
  const seeds = { '001_demo.up.sql': "INSERT INTO users VALUES (1, 'ada@example.org')" };

  it.each([
    ['development', 1],
    ['test', 0],
    ['staging', 0],
    ['production', 0],
  ])('in %s: %d row', async (environment, count) => {
    const project = await makeProject({ api: { revisions, seeds } }, { environment });
    const ended = await run(project, ['migrate', '--output', 'json']);
    expect(ended.code).toBe(0);
    expect(await project.sql('api', 'SELECT FROM users')).toHaveLength(count);
    expect(jsonLines(ended).at(-1)?.services).toMatchObject([{ seeded: count === 1 ? ['001_demo'] : [] }]);
    await run(project, ['migrate']);
    expect(await project.sql('api', 'SELECT FROM users')).toHaveLength(count);
  });

  it('follow the head alone', async () => {
    const project = await makeProject({ api: { revisions, seeds } });
    await run(project, ['migrate', '2']);
    expect(await project.sql('api', 'SELECT FROM users')).toEqual([]);
    expect((await run(project, ['status'])).stdout).toContain('2: 010_logs, 001_demo');
    const ended = await run(project, ['migrate']);
    expect(ended.stdout).toContain('1 revision and 1 seed applied');
    expect(ended.stderr).toContain('api  seed 001_demo  applied');
    expect(await project.sql('api', 'SELECT FROM users')).toHaveLength(1);
    expect(await heads(project)).toEqual(['010_logs']);
  });
});

describe('the ledger', () => {
  it('has of each revision its name, checksum, time, duration, role, host, version and run', async () => {
    const project = await makeProject({ api: { revisions } });
    const ended = await run(project, ['migrate', '2', '--output', 'json']);
    const runId = jsonLines(ended)[0]?.run;
    const rows = await project.sql(
      'api',
      "SELECT *, now() - applied_at < interval '1 hour' AS recent FROM orch.ledger ORDER BY sequence",
    );
    const common = {
      kind: 'revision',
      state: 'applied',
      statements_done: 0,
      applied_at: expect.any(Date),
      recent: true,
      duration_ms: expect.stringMatching(/^\d+$/),
      role: project.owner('api'),
      host: hostname(),
      orch_version: VERSION,
      run_id: runId,
    };
    const up = revisions['001_users.up.sql'];
    expect(rows).toMatchObject([
      {
        ...common,
        id: '001',
        name: '001_users',
        parents: [],
        checksum: checksumOf(up),
        up_text: up,
        down_text: 'DROP TABLE users;',
      },
      { ...common, id: '002', name: '002_roles', parents: ['001_users'], down_text: null },
    ]);
    expect(checksumOf(up)).toMatch(/^v1:sha256:[0-9a-f]{64}$/);
  });

  it('takes a file with BOM and CRLF for the same text', async () => {
    const project = await makeProject({ api: { revisions } });
    await run(project, ['migrate']);
    const file = 'api/revisions/001_users.up.sql';
    await project.write(
      file,
      `\uFEFF${(await readFile(`${project.folder}/${file}`, 'utf8')).replaceAll('\n', '\r\n')}`,
    );
    expect(await run(project, ['status'])).toMatchObject({ code: 0 });
  });

  it('logs every action, failed attempts too', async () => {
    const project = await makeProject({ api: { revisions: { ...revisions, '011_bad.up.sql': 'SELECT 1/0' } } });
    await run(project, ['migrate']);
    await project.write('api/revisions/011_bad.up.sql', 'SELECT 1/1');
    await run(project, ['migrate']);
    const log = await project.sql(
      'api',
      'SELECT action, outcome, revision, sqlstate, message, role, run_id FROM orch.log ORDER BY sequence',
    );
    const done = { outcome: 'succeeded', sqlstate: null, message: null, role: project.owner('api') };
    expect(log).toMatchObject([
      { ...done, action: 'create-ledger', revision: null },
      { ...done, action: 'apply', revision: '001_users' },
      { ...done, action: 'apply', revision: '002_roles' },
      { ...done, action: 'apply', revision: '010_logs' },
      { action: 'apply', outcome: 'failed', revision: '011_bad', sqlstate: '22012', message: 'division by zero' },
      { ...done, action: 'apply', revision: '011_bad' },
    ]);
    expect(new Set(log.map(({ run_id }) => run_id)).size).toBe(2);
  });

  it('is closed to the application role, but for its heads', async () => {
    const project = await makeProject({ api: { revisions } });
    await run(project, ['migrate']);
    const role = project.app('api');
    const ask = (text: string) => project.sql('api', `SET ROLE ${role}; ${text}`);
    for (const table of ['ledger', 'log', 'meta']) {
      for (const text of [`SELECT FROM orch.${table}`, `DELETE FROM orch.${table}`])
        await expect(ask(text)).rejects.toThrow('permission denied');
    }
    await expect(ask('CREATE TABLE orch.mine ()')).rejects.toThrow('permission denied');
    await expect(ask('CREATE TABLE mine ()')).rejects.toThrow('permission denied');
    await ask("INSERT INTO users VALUES (7, 'x'); SELECT name FROM orch.heads");
    expect(await project.sql('api', 'SELECT FROM users WHERE id = 7')).toHaveLength(1);
  });
});
