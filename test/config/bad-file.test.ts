import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { A, faultLines, faultsIn, formatFault, GOOD, load, MAIN, makeFolder } from './project-folder.ts';

const main = async (content: string | Uint8Array): Promise<readonly string[]> =>
  (await faultLines({ 'orchestrator.config.yaml': content })).map((line) =>
    line.replace('orchestrator.config.yaml', 'main'),
  );

describe('a config file', () => {
  it.each<[string, string | Uint8Array, string]>([
    ['that is empty', '', 'main:1:1: the file is empty'],
    ['of comments only', '# nothing\n', 'main:1:1: the file is empty'],
    ['of nothing', 'null\n', 'main:1:1: the file is empty'],
    ['that is not UTF-8', new Uint8Array([0x61, 0x0a, 0x62, 0xff, 0x0a]), 'main:2: this line is not UTF-8 text'],
    ['in UTF-16', new Uint8Array([0xff, 0xfe, 0x61, 0]), 'main:1: this line is not UTF-8 text'],
    ['that ends inside a character', new Uint8Array([0x61, 0x3a, 0x0a, 0xc3]), 'main:2: this line is not UTF-8 text'],
    ['with a NUL', 'a: 1\nb: \0\n', 'main:2: this line has a control character'],
    ['with an escape character', 'a: "\u001b[31m"\n', 'main:1: this line has a control character'],
    ['over the size limit', '#'.repeat(1024 * 1024 + 1), 'main: the file is larger than 1 MiB'],
  ])('%s is refused', async (_name, content, expected) => {
    expect(await main(content)).toEqual([expected]);
  });

  it('just under the size limit is read', async () => {
    await load({ 'orchestrator.config.yaml': `${MAIN}#`.padEnd(1024 * 1024, 'x') });
  });

  it('with a BOM and CRLF is read', async () => {
    await load({ 'orchestrator.config.yaml': `\ufeff${MAIN.replaceAll('\n', '\r\n')}` });
    expect(await main(`\ufeff${MAIN.replaceAll('\n', '\r\n')}zzzzzz: 1\r\n`)).toEqual([
      "main:10:1: unknown key 'zzzzzz' (Known here: project, environment, compose, servers, policies, templates, naming, services.)",
    ]);
  });

  it('that is a folder is refused', async () => {
    const root = makeFolder({ 'orchestrator.config.yaml/': '' });
    expect((await faultsIn(root)).map(formatFault)).toEqual(['orchestrator.config.yaml: the file is a folder']);
  });

  it.each([
    ['a socket', 'is not a regular file'],
    ['a device', 'is not a regular file'],
    ['a link to itself', 'is a link to itself'],
    ['a link to nothing', undefined],
  ])('that is %s is refused', async (what, problem) => {
    const root = makeFolder({ ...GOOD, 'a/': '' });
    const path = join(root, 'a/service.yaml');
    rmSync(path);
    const socket = what === 'a socket' ? createServer().listen(path) : undefined;
    if (what === 'a device') symlinkSync('/dev/zero', path);
    if (what === 'a link to itself') symlinkSync(path, path);
    if (what === 'a link to nothing') symlinkSync('nothing', path);
    expect((await faultsIn(root)).map(formatFault)).toEqual([
      `orchestrator.config.yaml:8:5: the service file a/service.yaml ${problem ?? 'does not exist'}`,
    ]);
    socket?.close();
  });

  it('of a service that is missing is told where it is named', async () => {
    expect(await main(`${MAIN}  - 'c/service.yaml'\n  - a\n  - a/service.yaml/x\n`)).toEqual([
      'main:10:5: the service file c/service.yaml does not exist',
      'main:11:5: the service file a is a folder',
      'main:12:5: the service file a/service.yaml/x does not exist',
    ]);
  });

  it('is named by the shorter of its relative and absolute path', async () => {
    const root = makeFolder({ ...GOOD, 'a/service.yaml': `${A}x: 1\n` });
    mkdirSync(join(root, 'deep/er'), { recursive: true });
    writeFileSync(join(root, 'deep/er/orchestrator.config.yaml'), 'services: [../../a/service.yaml]\n');
    const faults = await faultsIn(join(root, 'deep/er'));
    expect(new Set(faults.map(({ file }) => file))).toEqual(
      new Set(['orchestrator.config.yaml', '../../a/service.yaml']),
    );
  });
});

describe('malformed YAML', () => {
  it.each<[string, string, string]>([
    ['a tab as indentation', 'servers:\n\tmain: x\n', 'main:2:1: a tab in the indentation: YAML takes spaces only'],
    [
      'an open quote',
      'project: "shop\n',
      'main:2:1: something is missing here, such as a closing quote, bracket or colon',
    ],
    [
      'a value with a colon',
      'project: a: b\n',
      'main:1:10: a second key on one line, or a value with ": " that is not in quotes (Put the value in quotes.)',
    ],
    [
      'a reserved character',
      'project: @shop\n',
      "main:1:10: a value cannot begin with this character unless it is in quotes (Put the value in quotes: '…'.)",
    ],
    [
      'an unknown escape',
      'project: "\\q"\n',
      "main:1:11: a backslash in double quotes that is no escape known to YAML (Write \\\\ for a backslash, or use single quotes: '…'.)",
    ],
    ['uneven indentation', 'a:\n   b: 1\n  c: 2\n', 'main:3:1: the indentation does not fit the lines around it'],
    ['two documents', `${MAIN}---\nb: 2\n`, 'main:10:1: a second document (---): a file holds one'],
    ['a key twice', `${MAIN}project: x\n`, 'main:10:1: this key stands here twice (Keep one of the two.)'],
    [
      'a key twice inside',
      MAIN.replace('    url', '    container: a\n    container: b\n    url'),
      'main:6:5: this key stands here twice (Keep one of the two.)',
    ],
    ['a tag of its own', `${MAIN}policies: !js/function x\n`, 'main:10:11: a tag such as !name is not taken'],
    [
      'a binary',
      `${MAIN.replace('shop', '!!binary aGk=')}`,
      'main:1:19: a tag such as !name is not taken (Write the value without it.)',
    ],
    [
      'an alias without anchor',
      MAIN.replace('shop', '*name'),
      'main:1:10: this alias names no anchor that stands before it',
    ],
    ['a list as key', `${MAIN}? [a]\n: b\n`, 'main:10:3: a key must be text'],
    ['YAML 1.1', `%YAML 1.1\n---\n${MAIN}`, 'main:1:1: only YAML 1.2 is read (Take the %YAML line out.)'],
    ['a prototype', `${MAIN}__proto__: { polluted: true }\n`, "main:10:1: the key '__proto__' is not taken"],
    [
      'deep nesting',
      `${MAIN}policies: ${'['.repeat(30)}${']'.repeat(30)}\n`,
      'main:10:31: nested more than 20 levels deep',
    ],
    ['a NUL escape', MAIN.replace('shop', '"a\\0b"'), 'main:1:10: a NUL character is not taken'],
  ])('with %s is told where', async (_name, text, expected) => {
    expect((await main(text))[0]).toBe(expected);
  });

  it('with a variable inside braces says what to do', async () => {
    expect((await main('policies: { lockWait: ${WAIT:-1s} }\n'))[0]).toMatch(
      /^main:1:\d+: this cannot stand here \(Inside \{ \} and \[ \], put a value with \$\{…\} in quotes\.\)$/,
    );
  });

  it('does not change Object for everyone', async () => {
    await main('__proto__: { polluted: true }\nconstructor: { prototype: { polluted: true } }\n');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('takes anchors and aliases in moderation', async () => {
    const text = MAIN.replace('servers:', 'policies: { lockWait: &t 5s, lockTimeout: *t }\nservers:');
    expect((await load({ 'orchestrator.config.yaml': text })).policies).toMatchObject({
      lockWait: 5000,
      lockTimeout: 5000,
    });
  });
});

describe('a YAML bomb', () => {
  const laughs = Array.from(
    { length: 9 },
    (_, level) =>
      `${'abcdefghi'[level]}: &${'abcdefghi'[level]} [${
        level === 0
          ? 'lol'
          : Array(9)
              .fill(`*${'abcdefghi'[level - 1]}`)
              .join(', ')
      }]`,
  ).join('\n');

  it.each<[string, string, RegExp]>([
    ['of a billion laughs', laughs, /^main:\d+:\d+: (?:the file has more than \d+ (?:aliases|values))$/],
    ['that holds itself', 'a: &a [*a]\n', /^main:1:\d+: nested more than 20 levels deep$/],
    ['of brackets', '['.repeat(500_000), /^main:1:401: nested more than 20 levels deep$/],
    ['of dashes', '- '.repeat(8000), /^main:1:801: nested more than 20 levels deep$/],
    ['of questions', '? '.repeat(20_000), /^main:1:801: nested more than 20 levels deep$/],
    ['of braces', '{a: '.repeat(10_000), /^main:1:\d+: nested more than 20 levels deep$/],
    [
      'of keys',
      Array.from({ length: 100_000 }, (_, index) => `k${index}:`).join('\n'),
      /^main:1:1: the file has too many values$/,
    ],
    ['of aliases', `a: &a 1\nb: [${'*a,'.repeat(101)}]`, /^main:2:\d+: the file has more than 100 aliases$/],
    ['of values', `a: [${'1,'.repeat(11_000)}]`, /^main:1:\d+: the file has more than 10000 values$/],
    [
      'of indentation',
      Array.from({ length: 300 }, (_, index) => `${' '.repeat(index)}a:`).join('\n'),
      /^main:22:22: nested more than 20 levels deep$/,
    ],
  ])('%s is refused in little time and memory', async (_name, text, expected) => {
    const before = process.memoryUsage().rss;
    const faults = await main(text);
    expect(faults[0]).toMatch(expected);
    expect(faults.length).toBeLessThanOrEqual(12);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });
});
