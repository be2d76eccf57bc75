import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holdGate } from '../support/gate.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { canaries, makeSecretProject, run, start } from './support.ts';

const outside = 'CREATE TABLE outside ();\n';

/** A project, a file and a folder beside it, which no revision may come from. */
async function makeNeighbours(): Promise<{ project: ProjectFolder; elsewhere: string }> {
  const project = await makeProject({ shop: { revisions: { '001_a.up.sql': 'CREATE TABLE inside ();\n' } } });
  const elsewhere = `${project.folder}-elsewhere`;
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, '002_b.up.sql'), outside);
  return { project, elsewhere };
}

async function expectNothingRan(project: ProjectFolder, said: RegExp): Promise<void> {
  for (const command of ['plan', 'check', 'migrate', 'sql']) {
    const ended = await run(project, [command]);
    expect(ended.code, ended.output).not.toBe(0);
    expect(ended.output).toMatch(said);
    expect(ended.output).not.toContain('outside ()');
  }
  const database = project.database('shop');
  expect(await project.sql(undefined, `SELECT FROM pg_database WHERE datname = '${database}'`)).toEqual([]);
}

describe('a revision comes from inside the project alone', () => {
  it.each<[string, (project: ProjectFolder, elsewhere: string) => Promise<void>, RegExp]>([
    [
      'a link to a file elsewhere',
      ({ folder }, elsewhere) => symlink(join(elsewhere, '002_b.up.sql'), join(folder, 'shop/revisions/002_b.up.sql')),
      /leads out of the project/,
    ],
    [
      'a link to a link to a file elsewhere',
      async ({ folder }, elsewhere) => {
        await symlink(join(elsewhere, '002_b.up.sql'), join(folder, 'shop/between'));
        await symlink('../between', join(folder, 'shop/revisions/002_b.up.sql'));
      },
      /leads out of the project/,
    ],
    [
      'a folder that is a link',
      async ({ folder }, elsewhere) => {
        await rm(join(folder, 'shop/revisions'), { recursive: true });
        await symlink(elsewhere, join(folder, 'shop/revisions'));
      },
      /outside the project/,
    ],
    [
      'a service’s folder that is a link',
      async ({ folder }, elsewhere) => {
        await mkdir(join(elsewhere, 'revisions'));
        await rename(join(elsewhere, '002_b.up.sql'), join(elsewhere, 'revisions/002_b.up.sql'));
        await rename(join(folder, 'shop/service.yaml'), join(elsewhere, 'service.yaml'));
        await rm(join(folder, 'shop'), { recursive: true });
        await symlink(elsewhere, join(folder, 'shop'));
      },
      /outside the project/,
    ],
    [
      'an absolute path',
      async (project, elsewhere) => {
        const yaml = await readFile(join(project.folder, 'shop/service.yaml'), 'utf8');
        await project.write('shop/service.yaml', `${yaml}revisions: ${elsewhere}\n`);
      },
      /outside the project/,
    ],
    [
      'a path with ..',
      async (project, elsewhere) => {
        const yaml = await readFile(join(project.folder, 'shop/service.yaml'), 'utf8');
        await project.write('shop/service.yaml', `${yaml}seeds: ../../${elsewhere.split('/').at(-1)}\n`);
      },
      /outside the project/,
    ],
    [
      'a device',
      ({ folder }) => symlink('/dev/zero', join(folder, 'shop/revisions/002_b.up.sql')),
      /leads out of the project/,
    ],
    [
      'two names that are one on another machine: letter case',
      async (project) => {
        await project.write('shop/revisions/002_b.up.sql', 'SELECT 1;');
        await project.write('shop/revisions/002_B.up.sql', 'SELECT 2;');
      },
      /002_[bB]/,
    ],
    [
      'two names that are one on another machine: composed and decomposed letters',
      async (project) => {
        await project.write('shop/revisions/002_\u00e9.up.sql', 'SELECT 1;');
        await project.write('shop/revisions/002_e\u0301.up.sql', 'SELECT 2;');
      },
      /002_/,
    ],
  ])('%s is refused by every command that would read it, before anything runs', async (_what, make, said) => {
    const { project, elsewhere } = await makeNeighbours();
    try {
      await make(project, elsewhere);
      await expectNothingRan(project, said);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });
});

describe('what was checked is what runs', () => {
  const checksum = (text: string): string => `v1:sha256:${createHash('sha256').update(text.trimEnd()).digest('hex')}`;

  /** Runs migrate, exchanges the file of 002 while 001 is at work, and gives what became of it. */
  async function exchange(file: string, text: string, other: string | ((path: string) => Promise<void>)) {
    const project = await makeProject({ shop: { revisions: { '000_first.up.sql': 'SELECT 1;' } } });
    expect((await run(project, ['migrate'])).code).toBe(0);
    const gate = await holdGate(project, 'shop');
    await project.write('shop/revisions/001_gated.up.sql', gate.sql);
    await project.write(`shop/revisions/${file}`, text);
    const running = start(project, ['migrate', '--show-data']);
    await gate.waiter();
    const path = join(project.folder, 'shop/revisions', file);
    if (typeof other === 'string') await writeFile(path, other);
    else await other(path);
    await gate.open();
    const ended = await running.ended;
    const found = await project.sql<{ name: string; checksum: string }>(
      'shop',
      "SELECT name, checksum FROM orch.ledger WHERE name LIKE '002%'",
    );
    const tables = await project.sql<{ name: string }>(
      'shop',
      "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
    );
    return { ended, found, tables: tables.map(({ name }) => name) };
  }

  const good = 'CREATE TABLE good (a int);\n';
  const bad = 'CREATE TABLE bad (a int);\n';

  it.each<[string, string | ((path: string) => Promise<void>)]>([
    ['holds another text', bad],
    ['is gone', (path) => rm(path)],
    [
      'is a link to another',
      async (path) => {
        await writeFile(`${path}.other`, bad);
        await rm(path);
        await symlink(`${path}.other`, path);
      },
    ],
  ])('where the file of SQL %s by the time it runs', async (_what, other) => {
    const { ended, found, tables } = await exchange('002_b.up.sql', good, other);
    expect(ended.code, ended.output).toBe(0);
    expect(tables).toEqual(['good']);
    expect(found).toEqual([{ name: '002_b', checksum: checksum(good) }]);
  });

  it('where the file of TypeScript holds another text by the time it runs', async () => {
    const code = (sql: string): string => `export async function up({ query }) { await query(\`${sql.trim()}\`) }\n`;
    const { ended, found, tables } = await exchange('002_b.ts', code(good), code(bad));
    expect(ended.code, ended.output).toBe(0);
    expect(tables).toEqual(['good']);
    expect(found).toEqual([{ name: '002_b', checksum: checksum(code(good)) }]);
  });

  it('or nothing does, where a file too long for memory holds another text', async () => {
    const long = `-- ${'x'.repeat(1000)}\n`.repeat(1200);
    const { ended, found, tables } = await exchange('002_b.up.sql', `${good}${long}`, `${bad}${long}`);
    expect(ended.code, ended.output).not.toBe(0);
    expect(ended.output).toContain('was changed while it was being run');
    expect(tables).toEqual([]);
    expect(found).toEqual([]);
  });
});

describe('what orch writes', () => {
  it('of the local runtime can be read by nobody else, and holds no password', async () => {
    const sketch = { yaml: 'container: shop' };
    const project = await makeSecretProject({ '001_a.up.sql': 'CREATE TABLE a ();' }, { sketch });
    const config = await readFile(join(project.folder, 'orchestrator.config.yaml'), 'utf8');
    await project.write(
      'orchestrator.config.yaml',
      config.replace('readyTimeout', 'container: postgres\n    readyTimeout'),
    );
    // As an earlier version, or a careless hand, left it.
    await mkdir(join(project.folder, '.orch', 'local'), { recursive: true });
    await chmod(join(project.folder, '.orch'), 0o755);
    await chmod(join(project.folder, '.orch', 'local'), 0o755);
    const ended = await run(project, ['migrate', '--runtime', 'local']);
    expect(ended.code, ended.output).toBe(0);
    const open = await findReadable(join(project.folder, '.orch'));
    expect(open).toEqual([]);
    const state = await readFile(join(project.folder, '.orch/local/.ports.json'), 'utf8');
    expect(state).not.toContain(canaries.owner);
  });

  it('of a new revision has the modes that the umask gives, and takes nobody’s place', async () => {
    const project = await makeProject({ shop: { revisions: {} } });
    const target = join(project.folder, 'target');
    await writeFile(target, 'mine');
    await symlink(target, join(project.folder, 'shop/revisions/001_more.down.sql'));
    const ended = await run(project, ['revision', '-m', 'more', '--service', 'shop']);
    expect(ended.code, ended.output).not.toBe(0);
    expect(await readFile(target, 'utf8')).toBe('mine');
  });
});

/** Paths that others than the owner may enter or read, from the top: what lies in a closed folder is closed. */
async function findReadable(path: string): Promise<readonly string[]> {
  const status = await lstat(path);
  if ((status.mode & 0o077) === 0) return [];
  if (!status.isDirectory()) return [`${path} ${(status.mode & 0o777).toString(8)}`];
  const inside = await readdir(path);
  return [`${path} ${(status.mode & 0o777).toString(8)}`, ...inside.map((name) => join(path, name))];
}
