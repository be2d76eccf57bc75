import { execFileSync } from 'node:child_process';
import { mkdirSync, realpathSync, symlinkSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRevisionStore } from '../../src/adapters/files/revision-store.ts';
import { createRevisionProject, type RevisionProjectFiles } from '../support/revision-folders.ts';

async function faults(files: RevisionProjectFiles): Promise<readonly string[]> {
  return await (await createRevisionProject(files)).faults();
}

const refusals: readonly (readonly [where: string, files: RevisionProjectFiles, faults: readonly string[]])[] = [
  [
    'a file is no revision',
    { 'users.sql': '', 'V1__a.txt': '' },
    ['revisions/V1__a.txt is no revision file', 'revisions/users.sql is no revision file'],
  ],
  [
    'a name would lie in a terminal',
    { '001_a\u202e.up.sql': '' },
    ['revisions/001_a\u202e.up.sql is no revision file'],
  ],
  ['a TypeScript file is split by direction', { '001_a.up.ts': '' }, ['revisions/001_a.up.ts is no revision file']],
  ['a down has no up', { '001_a.down.sql': '' }, ['revisions/001_a.down.sql has no up beside it']],
  [
    'a revision is there in two forms',
    { '001_a.ts': 'up', '001_a.up.sql': '' },
    ['revisions/001_a.up.sql is the same revision as 001_a.ts'],
  ],
  [
    'TypeScript has a down of its own',
    { '001_a.ts': 'up', '001_a.down.sql': '' },
    ['revisions/001_a.down.sql is the same revision as 001_a.ts'],
  ],
  [
    'an up is there twice',
    { '001_a.sql': '', '001_a.up.sql': '' },
    ['revisions/001_a.up.sql is the same revision as 001_a.sql'],
  ],
  [
    'names differ only in case',
    { '001_A.up.sql': '', '001_a.up.sql': '' },
    [
      'revisions/001_a.up.sql is the same revision as 001_A.up.sql: names that differ only in case, zeros, date or the way letters are composed',
    ],
  ],
  [
    'the down is written otherwise than the up',
    { '001_A.up.sql': '', '001_a.down.sql': '' },
    [
      'revisions/001_a.down.sql is the same revision as 001_A.up.sql: names that differ only in case, zeros, date or the way letters are composed',
    ],
  ],
  [
    'names differ only in zeros',
    { '001_a.up.sql': '', '1_a.up.sql': '' },
    [
      'revisions/1_a.up.sql is the same revision as 001_a.up.sql: names that differ only in case, zeros, date or the way letters are composed',
    ],
  ],
  [
    'a name is composed in two ways',
    { '001_e\u0301.up.sql': '', '001_\u00e9.up.sql': '' },
    [expect.stringContaining(' is the same revision as 001_')],
  ],
  [
    'there are folders',
    { '001_a.up.sql/x': '', 'helpers/x': '' },
    [
      'revisions/001_a.up.sql is a folder, and revision folders have none',
      'revisions/helpers is a folder, and revision folders have none',
    ],
  ],
  [
    'a text is not UTF-8',
    { '001_a.up.sql': Uint8Array.from([0x61, 0x0a, 0xef, 0xbf, 0xbd, 0xc3, 0x28]) },
    ['revisions/001_a.up.sql:2 is not UTF-8: byte 5 (counted from 0) is 0xC3'],
  ],
  [
    'a text is UTF-16',
    { '001_a.up.sql': Uint8Array.from([0xff, 0xfe, 0x61, 0]) },
    ['revisions/001_a.up.sql:1 is not UTF-8: byte 0 (counted from 0) is 0xFF'],
  ],
  [
    'a text after a byte order mark is not UTF-8',
    { '001_a.up.sql': Uint8Array.from([0xef, 0xbb, 0xbf, 0xe9]) },
    ['revisions/001_a.up.sql:1 is not UTF-8: byte 3 (counted from 0) is 0xE9'],
  ],
  [
    'a text holds a NUL',
    { '001_a.up.sql': 'SELECT 1;\nSELECT\0 2;' },
    ['revisions/001_a.up.sql:2:7 a NUL character cannot stand in it'],
  ],
  [
    'a directive is unknown',
    { '001_a.up.sql': '-- orch: mesage a' },
    ['revisions/001_a.up.sql:1:1 "mesage" is no directive'],
  ],
  [
    'a down file speaks for the revision',
    { '001_a.up.sql': '', '001_a.down.sql': '--\n-- orch: parents none' },
    ['revisions/001_a.down.sql:2:1 this directive is for the whole revision: write it into the up file'],
  ],
  [
    'a TypeScript revision has a late directive',
    { '001_a.ts': 'export const up = 1;\n  // orch: message a\n' },
    ['revisions/001_a.ts:2:3 a directive below the first statement has no effect'],
  ],
  [
    'a TypeScript revision cannot export an up',
    { '001_a.ts': 'export {};' },
    ['revisions/001_a.ts exports no function "up"'],
  ],
  [
    'a seed has the name of a revision',
    { '001_a.up.sql': '', '../seeds/001_a.sql': '' },
    ['seeds/001_a.sql has the name of the revision revisions/001_a.up.sql'],
  ],
  [
    'a seed has parents',
    { '../seeds/001_a.sql': '-- orch: parents none' },
    ['seeds/001_a.sql:1:1 seeds follow their numbers, behind the head'],
  ],
];

describe('a folder is refused, with every fault at once, where', () => {
  it.each(refusals)('%s', async (_, files, expected) => {
    expect(await faults(files)).toEqual(expected);
  });

  it('several things are wrong', async () => {
    expect(
      await faults({ 'x.sql': '', '001_a.down.sql': '', '002_b.up.sql': 'a\0', '003_c.up.sql': '-- orch: x' }),
    ).toHaveLength(4);
  });

  it('it is not there', async () => {
    const project = await createRevisionProject({});
    const service = { ...project.service, revisions: join(project.root, 'nowhere') };
    await expect(project.store.load(service)).rejects.toMatchObject({
      code: 'revision-invalid',
      details: { faults: [{ file: 'nowhere', message: 'the folder cannot be read: it does not exist' }] },
    });
  });

  it('it is a file', async () => {
    const project = await createRevisionProject({ 'a.md': '' });
    const service = { ...project.service, revisions: join(project.revisions, 'a.md') };
    await expect(project.store.load(service)).rejects.toMatchObject({
      details: { faults: [{ file: 'revisions/a.md', message: 'the folder cannot be read: it is no folder' }] },
    });
  });
});

describe('nothing outside of the project and nothing but regular files is read:', () => {
  it('it is, or leads, outside of the project', async () => {
    const project = await createRevisionProject({});
    symlinkSync(realpathSync(tmpdir()), join(project.root, 'link'));
    for (const revisions of [join(project.root, 'link'), tmpdir(), join(project.root, '..')]) {
      await expect(project.store.load({ ...project.service, revisions })).rejects.toMatchObject({
        details: { faults: [{ message: 'leads out of the project' }] },
      });
    }
  });

  it('a link leads out of the project, nowhere, or in a circle', async () => {
    const project = await createRevisionProject({});
    symlinkSync('/etc/hostname', join(project.revisions, '001_a.up.sql'));
    symlinkSync('nowhere', join(project.revisions, '002_b.up.sql'));
    symlinkSync('003_c.up.sql', join(project.revisions, '003_c.up.sql'));
    expect(await project.faults()).toEqual([
      'revisions/001_a.up.sql is a link that leads out of the project',
      'revisions/002_b.up.sql is a link that cannot be followed: it does not exist',
      'revisions/003_c.up.sql is a link that cannot be followed: it is a link that leads to itself, or became one just now',
    ]);
  });

  it('a link leads to a folder, or to something that is no file', async () => {
    const project = await createRevisionProject({});
    mkdirSync(join(project.root, 'folder'));
    execFileSync('mkfifo', [join(project.root, 'pipe')]);
    symlinkSync('../folder', join(project.revisions, '001_a.up.sql'));
    symlinkSync('../pipe', join(project.revisions, '002_b.up.sql'));
    expect(await project.faults()).toEqual([
      'revisions/001_a.up.sql is no regular file',
      'revisions/002_b.up.sql is no regular file',
    ]);
  });

  it('a FIFO or a socket has the name of a revision: nothing waits for it', async () => {
    const project = await createRevisionProject({});
    execFileSync('mkfifo', [join(project.revisions, '001_a.up.sql')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(project.revisions, '002_b.up.sql'), resolve));
    expect(await project.faults()).toEqual([
      'revisions/001_a.up.sql is no regular file',
      'revisions/002_b.up.sql is no regular file',
    ]);
    await new Promise((resolve) => server.close(resolve));
  });

  it('a file is over the size limit, which is seen without reading it', async () => {
    const project = await createRevisionProject({ '001_a.up.sql': '' });
    truncateSync(join(project.revisions, '001_a.up.sql'), 64 * 1024 * 1024 + 1);
    expect(await project.faults()).toEqual(['revisions/001_a.up.sql is larger than 64 MiB']);
  });
});

it('faults name files relative to the working folder only where that is shorter', async () => {
  const project = await createRevisionProject({ 'x.txt': '' });
  const store = createRevisionStore({
    root: project.root,
    workingFolder: '/a/very/deep/folder/far/away/from/all/of/this/here',
  });
  await expect(store.load(project.service)).rejects.toMatchObject({
    details: { faults: [{ file: join(project.revisions, 'x.txt') }] },
  });
});
