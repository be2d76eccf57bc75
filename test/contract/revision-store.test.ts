import { appendFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Revision } from '../../src/core/revision.ts';
import { createRevisionProject, type RevisionProjectFiles } from '../support/revision-folders.ts';

async function load(files: RevisionProjectFiles): Promise<readonly Revision[]> {
  const project = await createRevisionProject(files);
  return (await project.store.load(project.service)).revisions;
}

async function faults(files: RevisionProjectFiles): Promise<readonly string[]> {
  return await (await createRevisionProject(files)).faults();
}

async function checksum(content: string | Uint8Array): Promise<string | undefined> {
  const [revision] = await load({ '001_a.up.sql': content });
  return revision?.up.checksum;
}

describe('a folder of revision files', () => {
  it('gives a revision for each pair, sorted by number, each with the one before as its parent', async () => {
    const revisions = await load({
      '10_last.up.sql': 'SELECT 10;',
      '002_add_email.up.sql': 'SELECT 2;',
      '002_add_email.down.sql': 'SELECT -2;',
      '1-first.sql': 'SELECT 1;',
      '0003.ts': 'export async function up() {}\nexport async function down() {}\n',
    });
    expect(
      revisions.map(({ id, name, message, parents, up, down }) => [
        id,
        name,
        message,
        parents,
        up.language,
        down?.language,
      ]),
    ).toEqual([
      ['1', '1-first', 'first', [], 'sql', undefined],
      ['002', '002_add_email', 'add email', ['1-first'], 'sql', 'sql'],
      ['0003', '0003', '0003', ['002_add_email'], 'typescript', 'typescript'],
      ['10', '10_last', 'last', ['0003'], 'sql', undefined],
    ]);
    expect(revisions[1]?.up.text).toBe('SELECT 2;');
    expect(revisions[1]?.down?.text).toBe('SELECT -2;');
  });

  it('takes names with date, time and number, and numbers of any size', async () => {
    const revisions = await load({
      '20250102_1200-002_second.up.sql': '',
      '20250301_120000-001_first.up.sql': '',
      '20250101120000_third.up.sql': '',
      '099999999999999999999999_fourth.up.sql': '',
      '99999999999999999999998_third_last.up.sql': '',
    });
    expect(revisions.map(({ id, name }) => [id, name])).toEqual([
      ['001', '001_first'],
      ['002', '002_second'],
      ['20250101120000', '20250101120000_third'],
      ['99999999999999999999998', '99999999999999999999998_third_last'],
      ['099999999999999999999999', '099999999999999999999999_fourth'],
    ]);
  });

  it('may be empty, and may hold notes, dot files and what editors leave', async () => {
    const ignored = [
      'README',
      'readme.txt',
      'notes.md',
      '.gitkeep',
      '001_a.up.sql~',
      '.001_a.up.sql.swp',
      '#001_a.up.sql#',
    ];
    expect(await load(Object.fromEntries(ignored.map((name) => [name, 'x'])))).toEqual([]);
  });

  it('takes message, parents and timeouts from the head of the up file', async () => {
    const head = '-- orch: message add the users table\n-- orch: parents none\n-- orch: lock_timeout 5s\n';
    const [first, second] = await load({
      '001_a.up.sql': 'SELECT 1;',
      '002_b.up.sql': `${head}-- orch: statement_timeout 1m\nSELECT 2;`,
    });
    expect(second).toMatchObject({
      message: 'add the users table',
      parents: [],
      lockTimeout: 5_000,
      statementTimeout: 60_000,
    });
    expect(first).toMatchObject({ lockTimeout: undefined, statementTimeout: undefined });
  });

  it('reads a TypeScript revision without loading it, and knows whether it has a way back', async () => {
    const [first, second] = await load({
      '001_a.ts': '// orch: message fill names\nthrow new Error("loaded");\nexport const up = 1, down = 2;',
      '002_b.ts': 'export const up = 1;',
    });
    expect(first).toMatchObject({ message: 'fill names', up: { direction: 'up' }, down: { direction: 'down' } });
    expect(second?.down).toBeUndefined();
  });

  it('gives seeds apart from revisions, sorted, without parents', async () => {
    const project = await createRevisionProject({
      '001_a.up.sql': '',
      '../seeds/002_y.sql': 'SELECT 2;',
      '../seeds/001_x.sql': 'SELECT 1;',
    });
    const { revisions, seeds } = await project.store.load(project.service);
    expect(revisions.map(({ kind, name }) => [kind, name])).toEqual([['revision', '001_a']]);
    expect(seeds.map(({ kind, name, parents }) => [kind, name, parents])).toEqual([
      ['seed', '001_x', []],
      ['seed', '002_y', []],
    ]);
  });

  it('reads a statement only when it is asked what it is: an applied file may hold anything', async () => {
    const [revision] = await load({ '001_a.up.sql': "SELECT 'never closed; COMMIT;" });
    expect(revision?.up.language === 'sql' && revision.up.faults).toMatchObject([
      { file: 'revisions/001_a.up.sql', line: 1, column: 8, message: 'this string is not closed' },
    ]);
  });
});

describe('parents', () => {
  it('two files with one number are two revisions with one parent, which makes two heads', async () => {
    const revisions = await load({ '001_a.up.sql': '', '002_b.up.sql': '', '0002_c.up.sql': '' });
    expect(revisions.map(({ name, parents }) => [name, parents])).toEqual([
      ['001_a', []],
      ['0002_c', ['001_a']],
      ['002_b', ['001_a']],
    ]);
  });

  it('a directive names parents by number in any padding, by name, or by file name', async () => {
    const revisions = await load({
      '001_a.up.sql': '',
      '20250101_1200-002_b.up.sql': '-- orch: parents 1',
      '003_c.up.sql': '-- orch: parents 001_a',
      '004_d.up.sql': '-- orch: parents 20250101_1200-002_b 003_c',
    });
    expect(revisions.map(({ parents }) => parents)).toEqual([[], ['001_a'], ['001_a'], ['002_b', '003_c']]);
  });

  it('of two files with one number one may follow the other, and the next number follows both', async () => {
    const revisions = await load({
      '001_a.up.sql': '',
      '002_b.up.sql': '',
      '002_c.up.sql': '-- orch: parents 002_b',
      '003_d.up.sql': '',
    });
    expect(revisions.map(({ name, parents }) => [name, parents])).toEqual([
      ['001_a', []],
      ['002_b', ['001_a']],
      ['002_c', ['002_b']],
      ['003_d', ['002_c']],
    ]);
  });

  it.each<[string, RevisionProjectFiles, string[]]>([
    [
      'the number before is used twice and the file does not choose',
      { '001_a.up.sql': '', '001_b.up.sql': '', '002_c.up.sql': 'SELECT 1;' },
      ['revisions/002_c.up.sql its parent is not clear: 001_a and 001_b have the same number'],
    ],
    [
      'the parent does not exist',
      { '001_users.up.sql': '', '002_b.up.sql': '-- b\n-- orch: parents 001_usres' },
      ['revisions/002_b.up.sql:2:1 there is no revision 001_usres to be its parent'],
    ],
    [
      'the number of the parent is used twice',
      { '001_a.up.sql': '', '001_b.up.sql': '', '002_c.up.sql': '-- orch: parents 001' },
      ['revisions/002_c.up.sql:1:1 the parent 001 is not clear: 001_a, 001_b'],
    ],
    [
      'it is its own parent',
      { '001_a.up.sql': '-- orch: parents 001' },
      ['revisions/001_a.up.sql:1:1 it cannot be its own parent'],
    ],
    [
      'its parents lead back to it',
      { '001_a.up.sql': '-- orch: parents 003', '002_b.up.sql': '', '003_c.up.sql': '' },
      ['revisions/001_a.up.sql:1:1 its parents lead back to itself: 001_a → 003_c → 002_b → 001_a'],
    ],
  ])('are a fault where %s', async (_, files, expected) => {
    expect(await faults(files)).toEqual(expected);
  });
});

it('a link inside the project is followed', async () => {
  const project = await createRevisionProject({ '001_a.up.sql': 'SELECT 1;' });
  symlinkSync('001_a.up.sql', join(project.revisions, '002_b.up.sql'));
  const { revisions } = await project.store.load(project.service);
  expect(revisions.map(({ up }) => [up.file, up.text])).toEqual([
    [join(project.revisions, '001_a.up.sql'), 'SELECT 1;'],
    [join(project.revisions, '002_b.up.sql'), 'SELECT 1;'],
  ]);
});

describe('the text', () => {
  it('has no byte order mark and LF line ends, and is otherwise kept byte for byte', async () => {
    const [revision] = await load({ '001_a.up.sql': '\ufeffSELECT 1; \r\n\r\nSELECT $$\r\n  é😀\t\n$$;\r' });
    expect(revision?.up.text).toBe('SELECT 1; \n\nSELECT $$\n  é😀\t\n$$;\r');
  });

  it('has a checksum whose algorithm is known: the SHA-256 of the text', async () => {
    expect(await checksum('SELECT 1;')).toBe(
      'v1:sha256:17db4fd369edb9244b9f91d9aeed145c3d04ad8ba6e95d06247f07a63527d11a',
    );
  });

  it.each([
    ['a byte order mark', '\ufeffSELECT 1;\nSELECT 2;'],
    ['CRLF line ends', 'SELECT 1;\r\nSELECT 2;\r\n'],
    ['white space at line ends', 'SELECT 1; \t\nSELECT 2;  '],
    ['a line end at the end', 'SELECT 1;\nSELECT 2;\n'],
    ['empty lines at the end', 'SELECT 1;\nSELECT 2;\n\n \n'],
  ])('has the same checksum with %s', async (_, content) => {
    expect(await checksum(content)).toBe(await checksum('SELECT 1;\nSELECT 2;'));
  });

  it.each([
    ['a space inside a line', 'SELECT  1;\nSELECT 2;'],
    ['a space at the start of a line', ' SELECT 1;\nSELECT 2;'],
    ['an empty line inside', 'SELECT 1;\n\nSELECT 2;'],
    ['a no-break space', 'SELECT 1;\u00a0\nSELECT 2;'],
    ['a comment', '-- a\nSELECT 1;\nSELECT 2;'],
  ])('has another checksum with %s', async (_, content) => {
    expect(await checksum(content)).not.toBe(await checksum('SELECT 1;\nSELECT 2;'));
  });

  it('is what was read when it was hashed, whatever the file holds later', async () => {
    const project = await createRevisionProject({ '001_a.up.sql': 'SELECT 1;' });
    const before = (await project.store.load(project.service)).revisions[0];
    appendFileSync(join(project.revisions, '001_a.up.sql'), 'DROP TABLE a;');
    expect(before?.up.text).toBe('SELECT 1;');
    const after = (await project.store.load(project.service)).revisions[0];
    expect(after?.up.checksum).not.toBe(before?.up.checksum);
  });
});
