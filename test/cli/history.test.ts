import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { orch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { psql } from '../support/psql.ts';
import { expectFault, jsonLines, run } from './support.ts';

const revisions = { '001_a.up.sql': 'CREATE TABLE a ();', '003_c.up.sql': 'CREATE TABLE c ();' };

async function migrated(): Promise<ProjectFolder> {
  const project = await makeProject({ api: { revisions } });
  await run(project, ['migrate']);
  return project;
}

/** Each of the commands that compare, with exit 7 and the same words. */
async function expectConflict(
  project: ProjectFolder,
  happened: readonly (string | RegExp)[],
  next: string | readonly string[],
): Promise<void> {
  const before = await project.sql('api', 'SELECT * FROM orch.ledger ORDER BY sequence');
  for (const command of ['migrate', 'plan', 'status']) {
    expectFault(await run(project, [command]), {
      code: 7,
      happened: [`api: the ledger of ${project.database('api')} and the revision files disagree`, ...happened],
      now: `nothing was applied for api; ${project.database('api')} is as it was.`,
      next: [...[next].flat(), 'orch plan  # then: compares again, changes nothing'],
    });
  }
  const lines = jsonLines(await run(project, ['migrate', '-o', 'json']));
  expect(lines.at(-1)).toMatchObject({
    type: 'run-finished',
    exitCode: 7,
    failures: [{ code: 'history-conflict', exitCode: 7 }],
  });
  expect(await project.sql('api', 'SELECT * FROM orch.ledger ORDER BY sequence')).toEqual(before);
  // What is applied can be said all the same.
  expect(await run(project, ['current'])).toMatchObject({ code: 0, stdout: expect.stringContaining('003_c') });
}

describe('a history that conflicts', () => {
  it('by an applied file that was edited', async () => {
    const project = await migrated();
    await project.write('api/revisions/001_a.up.sql', 'CREATE TABLE a (i int);');
    await expectConflict(
      project,
      [
        '001_a was changed after it was applied: api/revisions/001_a.up.sql',
        /applied as v1:sha256:[0-9a-f]{64}\n +the file is v1:sha256:[0-9a-f]{64}/,
      ],
      [
        'orch show --service api 001_a --recorded  # the text that was applied: put it back into api/revisions/001_a.up.sql',
        'orch accept --service api 001_a --reason',
      ],
    );
  });

  it('by an applied file that is gone', async () => {
    const project = await migrated();
    await project.remove('api/revisions/001_a.up.sql');
    await expectConflict(
      project,
      [/001_a is applied \(since \d{4}-\d\d-\d\dT[\d:.]+Z\), but its file is gone/],
      [
        'orch show --service api 001_a --recorded  # the text that was applied: put it back into api/revisions\n',
        'orch accept --service api 001_a --reason',
      ],
    );
  });

  it('by an applied file that was renamed', async () => {
    const project = await migrated();
    await rename(`${project.folder}/api/revisions/001_a.up.sql`, `${project.folder}/api/revisions/001_z.up.sql`);
    await expectConflict(
      project,
      [/001_a is applied .* its file is gone/, '001_z is not applied, but 003_c'],
      ['orch show --service api 001_a --recorded', 'orch migrate --service api --allow-out-of-order'],
    );
  });

  it('by a file below the head', async () => {
    const project = await migrated();
    await project.write('api/revisions/002_b.up.sql', 'CREATE TABLE b ();');
    await expectConflict(
      project,
      ['002_b is not applied, but 003_c, which comes after it, is: api/revisions/002_b.up.sql'],
      ['orch migrate --service api --allow-out-of-order  # applies 002_b now', 'orch rebase --service api 002_b'],
    );
    expect(await project.sql('api', "SELECT FROM pg_class WHERE relname = 'b'")).toEqual([]);
  });

  it('is mended by what the message says', async () => {
    const project = await migrated();
    await project.write('api/revisions/001_a.up.sql', 'broken');
    expect((await run(project, ['migrate'])).code).toBe(7);
    await project.write('api/revisions/001_a.up.sql', revisions['001_a.up.sql']);
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  });

  it('of one service does not keep the others', async () => {
    const project = await makeProject({ 'api-a': { revisions }, 'api-b': { revisions } });
    await run(project, ['migrate', '1']);
    await project.write('api-a/revisions/001_a.up.sql', 'SELECT 1');
    const ended = await run(project, ['migrate']);
    expect(ended.code).toBe(7);
    expect(await project.sql('api-b', 'SELECT name FROM orch.heads')).toEqual([{ name: '003_c' }]);
  });
});

describe('a ledger that a newer orch wrote', () => {
  const commands = {
    migrate: ['migrate'],
    up: ['up'],
    plan: ['plan'],
    status: ['status'],
    current: ['current'],
    history: ['history'],
    check: ['check'],
    'show --recorded': ['show', '1', '--recorded'],
    'revision --autogenerate': ['revision', '--autogenerate', '-m', 'x', '--from', 'database'],
    downgrade: ['downgrade', '-1', '--yes'],
    stamp: ['stamp', '1'],
    'stamp --purge': ['stamp', '1', '--purge'],
    accept: ['accept', '1', '--reason', 'a remark'],
    baseline: ['baseline', '--yes'],
    rebase: ['rebase', '4'],
    reset: ['reset', 'api', '--yes'],
  };

  it.each(Object.entries(commands))('is left alone by orch %s: exit 7', async (_, args) => {
    const project = await migrated();
    await project.write(
      'api/revisions/004_d.up.sql',
      `${args[0] === 'rebase' ? '-- orch: parents 001\n' : ''}CREATE TABLE d ();`,
    );
    await project.sql('api', 'UPDATE orch.meta SET format = 99');
    // Whatever it looks like.
    await project.sql('api', 'ALTER TABLE orch.ledger RENAME COLUMN state TO standing');
    const ended = await run(project, args);
    expectFault(ended, {
      code: 7,
      happened: [
        `the ledger of ${project.database('api')} was written by a newer orch`,
        'its format is 99; this orch knows formats up to 1',
      ],
      now: `nothing was done in ${project.database('api')}.`,
      next: 'npm install orch@latest',
    });
    expect(await project.sql('api', "SELECT FROM pg_class WHERE relname = 'd'")).toEqual([]);
    expect(await project.sql('api', 'SELECT name FROM orch.ledger ORDER BY name')).toEqual([
      { name: '001_a' },
      { name: '003_c' },
    ]);
    expect((await readdir(join(project.folder, 'api/revisions'))).toSorted()).toEqual([
      '001_a.up.sql',
      '003_c.up.sql',
      '004_d.up.sql',
    ]);
  });

  it('is left alone by the script of an older orch', async () => {
    const project = await migrated();
    await project.write('api/revisions/004_d.up.sql', 'CREATE TABLE d ();');
    const { stdout } = await orch(['sql', '003:'], { cwd: project.folder });
    await project.sql('api', 'UPDATE orch.meta SET format = 99');
    const { code, output } = await psql(project.postgres, project.database('api'), stdout);
    expect({ code, output }).toEqual({ code: 3, output: expect.stringContaining('was written by a newer orch') });
    expect(await project.sql('api', "SELECT FROM pg_class WHERE relname = 'd'")).toEqual([]);
  });

  it('does not keep orch locks from its work, which is not about it', async () => {
    const project = await migrated();
    await project.sql('api', 'UPDATE orch.meta SET format = 99');
    expect(await run(project, ['locks'])).toMatchObject({ code: 0 });
  });
});

it('two heads are named with both files, and with the command that joins them', async () => {
  const project = await makeProject({
    api: {
      revisions: {
        '001_a.up.sql': 'SELECT 1',
        '002_b.up.sql': '-- orch: parents 001\nSELECT 1',
        '003_c.up.sql': '-- orch: parents 001\nSELECT 1',
      },
    },
  });
  expectFault(await run(project, ['migrate']), {
    code: 7,
    happened: [
      'api has 2 heads: nothing says which comes first',
      '002_b  api/revisions/002_b.up.sql',
      '003_c  api/revisions/003_c.up.sql',
    ],
    now: 'nothing was done for api.',
    next: 'orch merge --service api',
  });
  // Each of the two can be gone to by its name.
  expect(await run(project, ['migrate', '002_b'])).toMatchObject({ code: 0 });
});
