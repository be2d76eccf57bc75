import { execFile } from 'node:child_process';
import { link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, jsonLines, run } from './support.ts';

const first = { '001_a.up.sql': 'CREATE TABLE a ();' };

async function expectRefused(project: ProjectFolder, happened: readonly (string | RegExp)[]): Promise<void> {
  for (const command of ['migrate', 'plan']) {
    expectFault(await run(project, [command]), {
      code: 2,
      happened: [/api: \d+ faults? in its revision files/, ...happened],
      now: 'nothing was applied for api.',
      next: /orch plan {2}# once (it is|they are) mended: reads the files again, changes nothing/,
    });
  }
  expect(await project.sql(undefined, `SELECT FROM pg_database WHERE datname = '${project.database('api')}'`)).toEqual(
    [],
  );
}

/** What each puts into the revision folder, and what is said of it. */
const faults: readonly (readonly [
  what: string,
  make: (folder: string) => Promise<unknown>,
  happened: readonly (string | RegExp)[],
])[] = [
  [
    'two files with one number',
    async (folder) => {
      await writeFile(join(folder, '002_x.up.sql'), 'SELECT 1');
      await writeFile(join(folder, '0002_x.up.sql'), 'SELECT 1');
    },
    [
      'api/revisions/002_x.up.sql  is the same revision as 0002_x.up.sql',
      'hint: keep one of them, or give one another number',
    ],
  ],
  [
    'a link out of the project',
    (folder) => symlink('/etc/hostname', join(folder, '002_x.up.sql')),
    ['api/revisions/002_x.up.sql  is a link that leads out of the project', 'hint: put the file itself here'],
  ],
  [
    'a link to nowhere',
    (folder) => symlink('nothing', join(folder, '002_x.up.sql')),
    ['002_x.up.sql  is a link that cannot be followed'],
  ],
  ['a directory', (folder) => mkdir(join(folder, '002_x.up.sql')), ['api/revisions/002_x.up.sql  is a folder']],
  [
    'a FIFO',
    (folder) => promisify(execFile)('mkfifo', [join(folder, '002_x.up.sql')]),
    ['002_x.up.sql  is no regular file'],
  ],
  [
    'a file that is not UTF-8',
    (folder) => writeFile(join(folder, '002_x.up.sql'), Buffer.from("SELECT 1;\nSELECT 'M\xfcller'", 'latin1')),
    ['api/revisions/002_x.up.sql:2  is not UTF-8: byte 19 (counted from 0) is 0xFC', 'hint: save it as UTF-8'],
  ],
  [
    'a file with NUL',
    (folder) => writeFile(join(folder, '002_x.up.sql'), 'SELECT 1\0'),
    ['api/revisions/002_x.up.sql:1:9  a NUL character'],
  ],
  [
    'a file over the size limit',
    async (folder) => {
      await writeFile(join(folder, '002_x.up.sql'), '');
      await truncate(join(folder, '002_x.up.sql'), 64 * 1024 * 1024 + 1);
    },
    ['api/revisions/002_x.up.sql  is larger than 64 MiB'],
  ],
  [
    'a down without its up',
    (folder) => writeFile(join(folder, '002_x.down.sql'), ''),
    ['002_x.down.sql  has no up beside it', 'hint: add 002_x.up.sql'],
  ],
  [
    'a file with another ending',
    (folder) => writeFile(join(folder, '002_x.sql.bak'), ''),
    ['002_x.sql.bak  is no revision file', 'hint: expected 001_name.up.sql'],
  ],
  [
    'a name with an escape',
    (folder) => writeFile(join(folder, '002_\u001b[2Jx.up.sql'), ''),
    ['002_\\x1b[2Jx.up.sql  is no revision file'],
  ],
  [
    'TypeScript without an up',
    (folder) => writeFile(join(folder, '002_x.ts'), 'export const nothing = 1;'),
    ['api/revisions/002_x.ts  exports no function "up"', 'hint: write `export async function up(database) { … }`'],
  ],
];

describe('a revision folder', () => {
  it.each(faults)('with %s is refused before anything runs', async (_, make, happened) => {
    const project = await makeProject({ api: { revisions: first } });
    await make(join(project.folder, 'api/revisions'));
    await expectRefused(project, happened);
  });

  it('has all its faults told at once, also as JSON', async () => {
    const project = await makeProject({ api: { revisions: first } });
    await project.write('api/revisions/002_x.down.sql', '');
    await project.write('api/revisions/003_y.up.sql', '-- orch: parents 009\nSELECT 1');
    await project.write('api/revisions/004_z.up.sql', '-- orch: message a\n-- orch: lock_timeout soon\nSELECT 1');
    await symlink('/etc/hostname', join(project.folder, 'api/revisions/005_z.up.sql'));
    const ended = await run(project, ['migrate']);
    expect(ended.stderr).toContain('api: 4 faults in its revision files');
    expect(ended.stderr).toMatch(
      /002_x\.down\.sql {2}has no up[\s\S]*003_y\.up\.sql:1:1 {2}there is no revision 009[\s\S]*004_z\.up\.sql:2:1 {2}[\s\S]*005_z\.up\.sql {2}is a link/,
    );
    const last = jsonLines(await run(project, ['migrate', '-o', 'json'])).at(-1);
    expect(last).toMatchObject({
      exitCode: 2,
      failures: [{ code: 'revision-invalid', details: { faults: { length: 4 } } }],
    });
  });

  it('takes links and hard links within the project, dates, any zero padding, BOM and CRLF', async () => {
    const project = await makeProject({
      api: {
        revisions: {
          '1_a.up.sql': '\uFEFFCREATE TABLE a ();\r\n',
          '0002_b.up.sql': 'CREATE TABLE b ();',
          '20250101_1200-003_c.up.sql': 'CREATE TABLE c ();',
          '20250101120000_e.up.sql': 'CREATE TABLE e ();',
          'README.md': 'nothing',
        },
      },
    });
    await project.write('shared.sql', 'CREATE TABLE d ();');
    await symlink('../../shared.sql', join(project.folder, 'api/revisions/004_d.up.sql'));
    await project.write('api/other.sql', 'CREATE TABLE f ();');
    await link(join(project.folder, 'api/other.sql'), join(project.folder, 'api/revisions/20250101120001_f.up.sql'));
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    const rows = await project.sql('api', 'SELECT name FROM orch.ledger ORDER BY sequence');
    expect(rows.map(({ name }) => name)).toEqual([
      '1_a',
      '0002_b',
      '003_c',
      '004_d',
      '20250101120000_e',
      '20250101120001_f',
    ]);
  });

  it('may be empty', async () => {
    const project = await makeProject({ api: {} });
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    expect(await run(project, ['status'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/none +none/) });
  });

  it('of one service keeps no other', async () => {
    const project = await makeProject({
      'api-a': { revisions: { ...first, 'x.sql': '' } },
      'api-b': { revisions: first },
    });
    const ended = await run(project, ['migrate']);
    expect(ended.code).toBe(2);
    expect(await project.sql('api-b', 'SELECT name FROM orch.heads')).toEqual([{ name: '001_a' }]);
  });
});
