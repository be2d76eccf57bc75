import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Ended, orch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';

const env = {
  GIT_AUTHOR_NAME: 'Ada Lovelace',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'x',
  GIT_COMMITTER_EMAIL: 'x@y',
};
const run = (project: ProjectFolder, args: readonly string[], cwd = ''): Promise<Ended> =>
  orch(args, { cwd: join(project.folder, cwd), env });
const read = (project: ProjectFolder, file: string): Promise<string> => readFile(join(project.folder, file), 'utf8');
const list = async (project: ProjectFolder, folder = 'api-auth/revisions'): Promise<readonly string[]> =>
  (await readdir(join(project.folder, folder))).sort();

const TABLE = { '001_users.up.sql': 'CREATE TABLE users (id int);\n', '001_users.down.sql': 'DROP TABLE users;\n' };

interface JsonLine {
  readonly type: string;
  readonly [field: string]: unknown;
}
function jsonLine(ended: Ended, type: string): JsonLine {
  const lines = ended.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonLine);
  const found = lines.find((line) => line.type === type);
  if (found === undefined) throw new Error(`no ${type} in ${ended.stdout}`);
  return found;
}

describe('orch revision', () => {
  it('writes the next number as a file pair, prints the paths alone on stdout, and the pair migrates', async () => {
    const project = await makeProject({ 'api-auth': { revisions: TABLE } });
    const ended = await run(project, ['revision', '-m', 'add email to users']);
    expect(ended).toMatchObject({
      code: 0,
      stdout: 'api-auth/revisions/002_add_email_to_users.up.sql\napi-auth/revisions/002_add_email_to_users.down.sql\n',
    });
    const up = await read(project, 'api-auth/revisions/002_add_email_to_users.up.sql');
    expect(up).toMatch(
      /^-- orch: message add email to users\n-- orch: author Ada Lovelace <ada@example.org>\n-- orch: created \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n\n/,
    );
    expect(up).toContain('CREATE INDEX ix_users_email ON users (email);');
    expect(await list(project)).toHaveLength(4);
    expect((await run(project, ['migrate'])).code).toBe(0);
    const rows = await project.sql<{ name: string }>('api-auth', 'SELECT name FROM orch.heads');
    expect(rows).toEqual([expect.objectContaining({ name: '002_add_email_to_users' })]);
  });

  it('fills a template into SQL that runs once its comments are taken away', async () => {
    const project = await makeProject({
      'api-auth': { revisions: { '001_teams.up.sql': 'CREATE TABLE other_table (id text PRIMARY KEY);\n' } },
    });
    await run(project, ['revision', '-m', 'add email to users']);
    const file = 'api-auth/revisions/002_add_email_to_users.up.sql';
    const text = await read(project, file);
    const [head = '', body = ''] = text.split("-- Names by the project's convention:\n");
    await project.write(file, `${head}${body.replaceAll(/^--/gm, '')}`);
    const ended = await run(project, ['migrate']);
    expect(ended).toMatchObject({ code: 0 });
    const rows = await project.sql<{ name: string }>(
      'api-auth',
      "SELECT conname AS name FROM pg_constraint WHERE conrelid = 'users'::regclass AND contype <> 'n' ORDER BY 1",
    );
    expect(rows.map(({ name }) => name)).toEqual([
      'ck_users_email',
      'fk_users_email_other_table',
      'pk_users',
      'uq_users_email',
    ]);
  });

  it('asks for the service where there are several, and takes the one in whose folder it is called', async () => {
    const project = await makeProject({ 'api-auth': {}, 'api-user': {} });
    const refused = await run(project, ['revision', '-m', 'x']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('known: api-auth and api-user');
    expect(refused.stderr).toContain('orch revision --service api-auth');
    expect(await list(project)).toEqual([]);
    expect((await run(project, ['revision', '-m', 'x'], 'api-user/revisions')).stdout).toBe(
      '001_x.up.sql\n001_x.down.sql\n',
    );
    expect((await run(project, ['revision', '-m', 'x', '--service', 'api-auth'], 'api-user')).code).toBe(0);
    expect(await list(project)).toEqual(['001_x.down.sql', '001_x.up.sql']);
    const unknown = await run(project, ['revision', '-m', 'x', '-s', 'api-auht']);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean "api-auth"?') });
    expect((await run(project, ['revision', '-m', 'x', '-s', 'api-auth', '-s', 'api-user'])).code).toBe(2);
  });

  it('writes TypeScript that runs', async () => {
    const project = await makeProject({ 'api-auth': { revisions: TABLE } });
    const ended = await run(project, ['revision', '--ts', '-m', 'fill email of users', '-o', 'json']);
    expect(jsonLine(ended, 'written')).toMatchObject({
      service: 'api-auth',
      kind: 'revision',
      name: '002_fill_email_of_users',
      parents: ['001_users'],
      files: [expect.stringMatching(/^\/.*\/002_fill_email_of_users\.ts$/)],
    });
    expect(await read(project, 'api-auth/revisions/002_fill_email_of_users.ts')).toMatch(
      /^\/\/ orch: message fill email of users\n/,
    );
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  });

  it('builds on another parent, and then has two heads to choose from', async () => {
    const project = await makeProject({ 'api-auth': { revisions: { ...TABLE, '002_b.sql': 'SELECT 1;' } } });
    expect((await run(project, ['revision', '-m', 'branch', '--parent', '1'])).code).toBe(0);
    expect(await read(project, 'api-auth/revisions/003_branch.up.sql')).toContain('\n-- orch: parents 001_users\n');
    const ended = await run(project, ['revision', '-m', 'more']);
    expect(ended).toMatchObject({ code: 7, stdout: '' });
    expect(ended.stderr).toMatch(/002_b[\s\S]*003_branch[\s\S]*Ada Lovelace[\s\S]*orch merge/);
    expect((await run(project, ['revision', '-m', 'more', '--parent', '003', '--parent', 'base'])).code).toBe(0);
    expect(await read(project, 'api-auth/revisions/004_more.up.sql')).not.toContain('parents');
    const unknown = await run(project, ['revision', '-m', 'x', '--parent', '02_b']);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('002_b') });
  });

  it('writes a seed into the folder of seeds', async () => {
    const project = await makeProject({
      'api-auth': { revisions: TABLE, seeds: { '0001_demo.sql': 'SELECT 1;' } },
      'api-user': {},
    });
    const ended = await run(project, ['revision', '--seed', '-m', 'demo users', '-s', 'api-auth']);
    expect(ended.stdout).toBe('api-auth/seeds/0002_demo_users.sql\n');
    const refused = await run(project, ['revision', '--seed', '-m', 'demo', '-s', 'api-user']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('seeds: seeds') });
    expect((await run(project, ['revision', '--seed', '-m', 'demo', '-s', 'api-auth', '--parent', '1'])).code).toBe(2);
  });

  it("uses the project's own templates and naming convention, and shows where one is wrong", async () => {
    const project = await makeProject(
      { 'api-auth': {} },
      { yaml: 'templates: tpl\nnaming: { ix: "idx_{columns}_on_{table}" }\n' },
    );
    await project.write('tpl/revision.up.sql', 'CREATE INDEX {{ix orders user_id}} ON orders (user_id);\n');
    expect((await run(project, ['revision', '-m', 'index'])).code).toBe(0);
    const up = await read(project, 'api-auth/revisions/001_index.up.sql');
    expect(up).toMatch(
      /^-- orch: message index\n[\s\S]*\n\nCREATE INDEX idx_user_id_on_orders ON orders \(user_id\);\n$/,
    );
    expect(await read(project, 'api-auth/revisions/001_index.down.sql')).toContain('Takes back 001_index');
    await project.write('tpl/revision.down.sql', '-- fine\n-- {{nmae}}\n');
    const refused = await run(project, ['revision', '-m', 'more']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('tpl/revision.down.sql:2:4');
    expect(refused.stderr).toContain('did you mean {{name}}?');
    expect(await list(project)).toHaveLength(2);
  });

  it('gives each of five that are at it at once a number of its own, and leaves no half of a pair', async () => {
    const project = await makeProject({ 'api-auth': { revisions: TABLE } });
    const both = await Promise.all([1, 2, 3, 4, 5].map(() => run(project, ['revision', '-m', 'same'])));
    expect(both.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    const files = both.flatMap(({ stdout }) => stdout.trim().split('\n'));
    expect(new Set(files).size).toBe(10);
    const numbers = files.flatMap((file) => /(\d+)_same\.up\.sql$/.exec(file)?.[1] ?? []).sort();
    expect(numbers).toEqual(['002', '003', '004', '005', '006']);
    expect((await list(project)).filter((name) => /\.tmp$/.test(name))).toEqual([]);
  });

  it('needs no database and no engine, and refuses an empty message and an editor without a terminal', async () => {
    const project = await makeProject({ 'api-auth': {} }, { server: 'postgresql://postgres@127.0.0.1:1/postgres' });
    expect((await run(project, ['revision', '-m', '\n \u202e'])).code).toBe(2);
    expect((await run(project, ['revision'])).code).toBe(2);
    const refused = await run(project, ['revision', '-m', 'x', '--edit']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--edit needs a terminal') });
    expect(await list(project)).toEqual([]);
    expect((await run(project, ['revision', '-m', 'x'])).code).toBe(0);
  });
});

describe('orch merge', () => {
  const forked = { ...TABLE, '002_mine.up.sql': 'SELECT 1;\n', '002_theirs.up.sql': 'SELECT 2;\n' };

  it('joins two revisions with the same number, and the result migrates', async () => {
    const project = await makeProject({ 'api-auth': { revisions: forked }, 'api-user': {} });
    expect((await run(project, ['migrate', '-s', 'api-auth'])).code).toBe(7);
    const ended = await run(project, ['merge', '-o', 'json']);
    expect(jsonLine(ended, 'written')).toMatchObject({
      kind: 'merge',
      name: '003_merge_002_mine_and_002_theirs',
      parents: ['002_mine', '002_theirs'],
    });
    expect(await read(project, 'api-auth/revisions/003_merge_002_mine_and_002_theirs.up.sql')).toContain(
      '-- orch: parents 002_mine 002_theirs\n',
    );
    expect(await run(project, ['migrate', '-s', 'api-auth'])).toMatchObject({ code: 0 });
    const rows = await project.sql<{ name: string }>('api-auth', 'SELECT name FROM orch.heads');
    expect(rows.map(({ name }) => name)).toEqual(['003_merge_002_mine_and_002_theirs']);
    const again = await run(project, ['merge']);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing to merge') });
  });

  it('takes a message, and asks for the service where several have two heads', async () => {
    const project = await makeProject({ 'api-auth': { revisions: forked }, 'api-user': { revisions: forked } });
    expect(await run(project, ['merge'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('known: api-auth and api-user'),
    });
    const ended = await run(project, ['merge', 'heads', '-m', 'Merge migrations', '--service', 'api-user']);
    expect(ended.stdout).toBe(
      'api-user/revisions/003_merge_migrations.up.sql\napi-user/revisions/003_merge_migrations.down.sql\n',
    );
  });

  it('joins only what is named', async () => {
    const project = await makeProject({ 'api-auth': { revisions: { ...forked, '002_third.up.sql': 'SELECT 3;\n' } } });
    expect((await run(project, ['merge', '002_mine', '002_third'])).code).toBe(0);
    expect(await list(project)).toContain('003_merge_002_mine_and_002_third.up.sql');
    expect((await run(project, ['merge', '002_mine'])).code).toBe(2);
  });
});

describe('orch rebase', () => {
  const forked = {
    ...TABLE,
    '002_mine.up.sql': '-- orch: message add mine\n-- orch: parents 001_users\nSELECT 1;\n',
    '002_mine.down.sql': 'SELECT 10;\n',
    '003_more.ts': '// orch: parents 002_mine\nexport async function up() {}\n',
    '002_theirs.up.sql': 'SELECT 2;\n',
  };

  it('puts a branch that is not applied behind the head of the other: up, down and TypeScript', async () => {
    const project = await makeProject({ 'api-auth': { revisions: forked } });
    const ended = await run(project, ['rebase', '002_mine']);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toBe(
      [
        'api-auth/revisions/002_mine.up.sql -> api-auth/revisions/003_mine.up.sql',
        'api-auth/revisions/002_mine.down.sql -> api-auth/revisions/003_mine.down.sql',
        'api-auth/revisions/003_more.ts -> api-auth/revisions/004_more.ts\n',
      ].join('\n'),
    );
    expect(await list(project)).toEqual([
      ...['001_users.down.sql', '001_users.up.sql', '002_theirs.up.sql'],
      ...['003_mine.down.sql', '003_mine.up.sql', '004_more.ts'],
    ]);
    expect(await read(project, 'api-auth/revisions/003_mine.up.sql')).toBe('-- orch: message add mine\nSELECT 1;\n');
    expect(await read(project, 'api-auth/revisions/004_more.ts')).toBe('export async function up() {}\n');
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    const rows = await project.sql<{ name: string }>('api-auth', 'SELECT name FROM orch.ledger ORDER BY sequence');
    expect(rows.map(({ name }) => name)).toEqual(['001_users', '002_theirs', '003_mine', '004_more']);
  });

  it('refuses a revision that the database has applied, and changes nothing', async () => {
    const { '003_more.ts': _more, '002_theirs.up.sql': theirs, ...mine } = forked;
    const project = await makeProject({ 'api-auth': { revisions: mine } });
    expect((await run(project, ['migrate'])).code).toBe(0);
    await project.write('api-auth/revisions/002_theirs.up.sql', theirs);
    const before = await list(project);
    const ended = await run(project, ['rebase', '002_mine']);
    expect(ended).toMatchObject({ code: 7, stdout: '' });
    expect(ended.stderr).toMatch(/002_mine is in api_auth_db_\w+ since \d{4}-/);
    expect((await run(project, ['rebase', '002_mine', '--unchecked'])).code).toBe(7);
    expect(await list(project)).toEqual(before);
    // The other way round it works: theirs is applied nowhere.
    expect((await run(project, ['rebase', '002_theirs', '-o', 'json'])).code).toBe(0);
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    const rows = await project.sql<{ name: string }>('api-auth', 'SELECT name FROM orch.ledger ORDER BY sequence');
    expect(rows.map(({ name }) => name)).toEqual(['001_users', '002_mine', '003_theirs']);
  });

  it('puts what came in below the applied head behind it', async () => {
    const project = await makeProject({ 'api-auth': { revisions: { ...TABLE, '003_c.sql': 'SELECT 3;' } } });
    expect((await run(project, ['migrate'])).code).toBe(0);
    await project.write('api-auth/revisions/002_late.sql', 'SELECT 2;');
    expect((await run(project, ['migrate'])).code).toBe(7);
    const ended = await run(project, ['rebase', '2', '-o', 'json']);
    expect(jsonLine(ended, 'rebased')).toMatchObject({
      behind: '003_c',
      revisions: [{ from: '002_late', to: '004_late' }],
    });
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  });

  it('is safe where the database can not be asked: only --unchecked goes on', async () => {
    const project = await makeProject(
      { 'api-auth': { revisions: forked } },
      { server: 'postgresql://postgres@127.0.0.1:1/postgres' },
    );
    const ended = await run(project, ['rebase', '002_mine']);
    expect(ended).toMatchObject({ code: 8, stdout: '' });
    expect(ended.stderr).toContain('--unchecked');
    expect(await list(project)).toContain('002_mine.up.sql');
    expect((await run(project, ['rebase', '002_mine', '--unchecked'])).code).toBe(0);
    expect(await list(project)).toContain('003_mine.up.sql');
  });

  it("is safe where the database is somebody else's and its ledger can not be read", async () => {
    const project = await makeProject({ 'api-auth': { revisions: forked } });
    await project.sql(undefined, `CREATE DATABASE ${project.database('api-auth')}`);
    const ended = await run(project, ['rebase', '002_mine']);
    expect(ended).toMatchObject({ code: 8, stderr: expect.stringContaining('cannot read what is applied there') });
    expect(await list(project)).toContain('002_mine.up.sql');
  });

  it('says what of other services still has the old name', async () => {
    const other = { '001_x.up.sql': '-- orch: requires api-auth@002_mine\nSELECT 1;\n' };
    const project = await makeProject({ 'api-auth': { revisions: forked }, 'api-user': { revisions: other } });
    const ended = await run(project, ['rebase', '002_mine', '-s', 'api-auth']);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain(
      'api-user/revisions/001_x.up.sql (api-user) still requires api-auth@002_mine: write api-auth@003_mine',
    );
  });

  it('does nothing for the head, and names the nearest of an unknown revision', async () => {
    const project = await makeProject({ 'api-auth': { revisions: TABLE } });
    expect(await run(project, ['rebase', '001'])).toMatchObject({
      code: 0,
      stdout: 'Nothing to do: it is the head already.\n',
    });
    expect(await run(project, ['rebase', '001_uers'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('001_users'),
    });
  });
});
