import { chmod, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { revisionWriter } from '../../src/adapters/files/write-revisions.ts';
import { findAuthor } from '../../src/adapters/system/author.ts';
import { runEditor } from '../../src/adapters/system/run-editor.ts';

async function makeFolder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-writing-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

async function contents(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  );
}

describe('writing revision files', () => {
  it('writes all of them', async () => {
    const folder = await makeFolder();
    await revisionWriter.write([
      { file: join(folder, 'a'), text: '1' },
      { file: join(folder, 'b'), text: '2' },
    ]);
    expect(await contents(folder)).toEqual({ a: '1', b: '2' });
  });

  it('writes none where one has its name taken, and leaves that one as it is', async () => {
    const folder = await makeFolder({ b: 'mine' });
    const writing = revisionWriter.write([
      { file: join(folder, 'a'), text: '1' },
      { file: join(folder, 'b'), text: '2' },
    ]);
    await expect(writing).rejects.toMatchObject({
      code: 'file-not-written',
      details: { file: join(folder, 'b'), exists: true },
    });
    expect(await contents(folder)).toEqual({ b: 'mine' });
  });

  it('writes nothing through a link that leads elsewhere', async () => {
    const folder = await makeFolder();
    await symlink(join(folder, 'elsewhere'), join(folder, 'a'));
    await expect(revisionWriter.write([{ file: join(folder, 'a'), text: '1' }])).rejects.toMatchObject({
      details: { exists: true },
    });
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('says why where the folder is gone', async () => {
    const folder = await makeFolder();
    const writing = revisionWriter.write([{ file: join(folder, 'gone/a'), text: '1' }]);
    await expect(writing).rejects.toMatchObject({
      code: 'file-not-written',
      details: { exists: false, reason: 'it does not exist' },
    });
  });
});

describe('renaming revision files', () => {
  it('keeps BOM, line ends and permissions', async () => {
    const folder = await makeFolder({ a: '\uFEFF-- x\r\nSELECT 1;\r\n' });
    await chmod(join(folder, 'a'), 0o600);
    await revisionWriter.move([
      { from: join(folder, 'a'), to: join(folder, 'b'), edit: (text) => text.replace('-- x', '-- y') },
    ]);
    expect(await contents(folder)).toEqual({ b: '\uFEFF-- y\r\nSELECT 1;\r\n' });
  });

  it('renames none where one can not be, whichever it is', async () => {
    const before = { a: '1', b: '2', d: 'taken' };
    const folder = await makeFolder(before);
    const moves = ['a:c', 'b:d'].map((move) => move.split(':') as [string, string]);
    const make = (list: readonly [string, string][]) =>
      list.map(([from, to]) => ({ from: join(folder, from), to: join(folder, to), edit: (text: string) => text }));
    await expect(revisionWriter.move(make(moves))).rejects.toMatchObject({ code: 'file-not-written' });
    expect(await contents(folder)).toEqual(before);
    await expect(
      revisionWriter.move(
        make([
          ['a', 'c'],
          ['gone', 'e'],
        ]),
      ),
    ).rejects.toMatchObject({ code: 'file-not-written' });
    expect(await contents(folder)).toEqual(before);
  });

  it('refuses a link', async () => {
    const folder = await makeFolder({ a: '1' });
    await symlink('a', join(folder, 'b'));
    const moving = revisionWriter.move([{ from: join(folder, 'b'), to: join(folder, 'c'), edit: (text) => text }]);
    await expect(moving).rejects.toMatchObject({
      code: 'file-not-written',
      details: { reason: expect.stringContaining('link') },
    });
  });
});

describe('the author', () => {
  it('is whom Git would name', async () => {
    const environment = {
      PATH: process.env.PATH,
      GIT_AUTHOR_NAME: 'Ada\u001b[31m',
      GIT_AUTHOR_EMAIL: 'ada@example.org',
    };
    expect(await findAuthor({ cwd: tmpdir(), environment })).toMatch(/^Ada.* <ada@example\.org>$/);
    expect(await findAuthor({ cwd: tmpdir(), environment })).not.toContain('\u001b');
  });

  it('is the login where there is no Git', async () => {
    const author = await findAuthor({ cwd: tmpdir(), environment: { PATH: '/nowhere' } });
    expect(author).toMatch(/^\S+$/);
  });
});

describe('the editor', () => {
  const environment = { PATH: process.env.PATH };

  it.each([
    ['a command with arguments', 'EDITOR -x'],
    ['a path with a space, quoted as a shell wants it', "'EDITOR' -x"],
    ['a path with a space, escaped', 'ESCAPED -x'],
  ])('is called with the files behind its own arguments: %s', async (_what, command) => {
    const folder = await makeFolder();
    const withSpace = join(folder, 'my editor');
    const plain = join(folder, 'ed');
    const script = `#!/bin/sh\nfor argument in "$@"; do echo "$argument"; done > '${join(folder, 'said')}'\n`;
    for (const file of [withSpace, plain]) await writeFile(file, script, { mode: 0o755 });
    const path = command.startsWith("'") ? withSpace : plain;
    const line = command.replace('EDITOR', path).replace('ESCAPED', withSpace.replaceAll(' ', '\\ '));
    await runEditor(line, ['/a b/$(touch x)', '/c'], environment);
    expect(await readFile(join(folder, 'said'), 'utf8')).toBe('-x\n/a b/$(touch x)\n/c\n');
  });

  it.each([
    ['false', 'it ended with exit code 1'],
    ['/nowhere/editor', 'it ended with exit code 127'],
    ['kill -9 $$; :', 'SIGKILL ended it'],
  ])('is a failure where it does not end well: %s', async (command, reason) => {
    await expect(runEditor(command, ['/a'], environment)).rejects.toMatchObject({
      code: 'editor-failed',
      details: { command, reason, files: ['/a'] },
    });
  });
});
