import { describe, expect, it } from 'vitest';
import { A, B, faultLines, load, MAIN } from './project-folder.ts';

const DURATION = 'a duration such as 30s, 500ms, 5m, 1h or a number of seconds';
const NAME = 'a name (a-z, 0-9, - and _, beginning with a letter or digit, at most 63 characters)';
const identifier = (what: string) => `${what} (a-z, 0-9 and _, not beginning with a digit, at most 63 bytes)`;

const main = (text: string) => ({ 'orchestrator.config.yaml': text });
const service = (text: string) => ({ 'a/service.yaml': text });

describe('a fault of orchestrator.config.yaml', () => {
  it.each<[string, string, readonly string[]]>([
    ['an unknown key', `${MAIN}polices: {}\n`, ["10:1: unknown key 'polices' (Did you mean 'policies'?)"]],
    [
      'an unknown key that resembles none',
      `${MAIN}zzz: 1\n`,
      [
        "10:1: unknown key 'zzz' (Known here: project, environment, compose, servers, policies, templates, naming, services.)",
      ],
    ],
    [
      'an unknown key inside',
      MAIN.replace('    url', '    contaner: x\n    url'),
      ["5:5: unknown key 'contaner' (Did you mean 'container'?)"],
    ],
    ['a key without a value', `${MAIN}policies:\n`, ['10:1: expected a mapping of keys to values, found nothing']],
    [
      'text where a mapping is expected',
      `${MAIN}policies: fast\n`,
      ["10:11: expected a mapping of keys to values, found 'fast'"],
    ],
    ['a duration in words', `${MAIN}policies:\n  lockWait: soon\n`, [`11:13: expected ${DURATION}, found 'soon'`]],
    ['a negative duration', `${MAIN}policies:\n  lockWait: -1\n`, [`11:13: expected ${DURATION}, found the number -1`]],
    [
      'a duration without end',
      `${MAIN}policies:\n  lockWait: .inf\n`,
      [`11:13: expected ${DURATION}, found the number Infinity`],
    ],
    [
      'a duration too long for a timer',
      `${MAIN}policies:\n  lockWait: 577h\n`,
      ['11:13: this duration is longer than 24 days'],
    ],
    [
      'a number out of range',
      `${MAIN}policies: { concurrency: 0 }\n`,
      ['10:26: expected a whole number from 1 to 64, found the number 0'],
    ],
    [
      'half a number',
      `${MAIN}policies: { concurrency: 1.5 }\n`,
      ['10:26: expected a whole number from 1 to 64, found the number 1.5'],
    ],
    ['neither true nor false', `${MAIN}policies: { failFast: yes }\n`, ["10:23: expected true or false, found 'yes'"]],
    [
      'an unknown environment',
      MAIN.replace('development', 'dev'),
      ["2:14: expected one of development, test, staging, production, found 'dev'"],
    ],
    [
      'a project name that Compose refuses',
      MAIN.replace('shop', 'My Shop'),
      [`1:10: expected ${NAME}, found 'My Shop'`],
    ],
    [
      'a server name that is none',
      MAIN.replace('  main:', '  Main Server:'),
      [`4:3: expected ${NAME}, found 'Main Server'`],
    ],
    [
      'no services',
      `${MAIN.split('services')[0]}services: []\n`,
      ['7:11: expected at least one service, found a list'],
    ],
    ['services missing', MAIN.split('services')[0] ?? '', ["1:1: the key 'services' is missing (Expected: a list.)"]],
    [
      'a url missing',
      MAIN.replace(/ {4}url.*\n/, ''),
      ["4:3: the key 'url' is missing (Expected: a connection URL such as postgresql://role@host:5432/database.)"],
    ],
    ['a list where text is expected', MAIN.replace('shop', '[shop]'), [`1:10: expected ${NAME}, found a list`]],
    [
      'text where a list is expected',
      `${MAIN.split('services')[0]}services: a/service.yaml\n`,
      ["7:11: expected a list, found 'a/service.yaml'"],
    ],
    [
      'a merge key',
      MAIN.replace('    url', '    <<: {}\n    url'),
      ["5:5: unknown key '<<' (Known here: url, password, passwordFile, container, readyTimeout, allowPooler.)"],
    ],
    ['only a scalar', 'hello\n', ["1:1: expected a mapping of keys to values, found 'hello'"]],
  ])('is told for %s', async (_name, text, expected) => {
    const shown = (await faultLines(main(text))).map((line) => line.replace('orchestrator.config.yaml:', ''));
    expect(shown).toEqual(expected);
  });
});

describe('a fault of a service.yaml', () => {
  it.each<[string, string, readonly string[]]>([
    [
      'an unknown key inside a list',
      `${A}prerequisites:\n  roles:\n    - nam: x\n      name: y\n`,
      ["8:7: unknown key 'nam' (Did you mean 'name'?)"],
    ],
    [
      'an unknown key of an extension',
      `${A}prerequisites:\n  extensions:\n    - { name: vector, versoin: '1' }\n`,
      ["8:23: unknown key 'versoin' (Did you mean 'version'?)"],
    ],
    [
      'a version without quotes',
      `${A}prerequisites:\n  extensions:\n    - name: vector\n      version: 0.5\n`,
      ["9:16: expected a version in quotes such as '0.7', found the number 0.5"],
    ],
    [
      'an extension that is a number',
      `${A}prerequisites: { extensions: [5] }\n`,
      ['6:31: expected an extension name, or a mapping with name and version, found the number 5'],
    ],
    [
      'access of another kind',
      `${A}prerequisites: { roles: [{ name: x, access: all }] }\n`,
      ["6:45: expected one of application, none, found 'all'"],
    ],
    [
      'a URL that is none',
      `${A}health: { url: 127.0.0.1/health }\n`,
      ['6:16: expected a URL such as http://127.0.0.1:8001/health, found other text'],
    ],
    [
      'a port out of range',
      `${A}local: { command: [x], port: 70000 }\n`,
      ['6:30: expected a whole number from 1 to 65535, found the number 70000'],
    ],
    ['no command', `${A}local: { command: [] }\n`, ['6:19: expected a command, found a list']],
    [
      'a variable that is none',
      `${A}local: { command: [x], environment: { "A B": c } }\n`,
      ["6:39: expected the name of a variable, found 'A B'"],
    ],
    [
      'a variable with a list',
      `${A}local: { command: [x], environment: { A: [] } }\n`,
      ['6:42: expected text, a number, true or false, found a list'],
    ],
    [
      'a password that is a number',
      A.replace('canary-a', '12345678'),
      ['5:13: expected text (a number in quotes), found a number'],
    ],
    [
      'the database missing',
      A.replace('database: adb\n', ''),
      ["1:1: the key 'database' is missing (Name the database of the service, or give its url.)"],
    ],
    [
      'the owner missing',
      A.split('owner')[0] ?? '',
      ["1:1: the key 'owner' is missing (Name the role that owns the database.)"],
    ],
    [
      "the owner's role missing",
      A.replace('  role: a_owner\n', ''),
      ["3:1: the key 'role' is missing (Name the role that owns the database.)"],
    ],
  ])('is told for %s', async (_name, text, expected) => {
    const shown = (await faultLines(service(text))).map((line) => line.replace('a/service.yaml:', ''));
    expect(shown).toEqual(expected);
  });

  it('goes on past unknown keys to what else is wrong', async () => {
    expect(
      await faultLines({ 'a/service.yaml': `${A}colour: red\n`, 'b/service.yaml': B.replace('bdb', 'adb') }),
    ).toEqual([
      "a/service.yaml:6:1: unknown key 'colour' (Known here: name, database, server, url, owner, prerequisites, revisions, schema, seeds, variables, container, health, needs, local.)",
      "b/service.yaml:2:11: two services have one database: api-a and api-b have 'adb' (The other one: a/service.yaml:2.)",
    ]);
  });
});

describe('an identifier', () => {
  it.each<[string, string, string]>([
    ['a quote', `'a"b'`, `'a"b' (It has a quote in it.)`],
    ['a single quote', `"a'; DROP DATABASE x; --"`, `'a'; DROP DATABASE x; --' (It has a quote in it.)`],
    ['a semicolon', 'a;b', "'a;b' (It has a semicolon in it.)"],
    ['a newline', '"a\\nb"', "'a\\nb' (It has a line break in it.)"],
    ['a newline at its end', '"ab\\n"', "'ab\\n' (It has a line break in it.)"],
    ['an escape', '"a\\e[31m"', "'a\\u001b[31m' (It has a control character in it.)"],
    ['a backslash', 'a\\b', "'a\\b' (It has a backslash in it.)"],
    ['a character that turns the text', '"a\\u202eb"', "'a\\u202eb' (It has a character in it that cannot be seen.)"],
    ['a zero-width space', '"a\\u200bb"', "'a\\u200bb' (It has a character in it that cannot be seen.)"],
    ['64 bytes', 'a'.repeat(64), `'${'a'.repeat(60)}…' (It is 64 bytes long; PostgreSQL takes 63.)`],
    ['63 bytes and more in UTF-8', 'é'.repeat(32), `'${'é'.repeat(32)}' (It is 64 bytes long; PostgreSQL takes 63.)`],
    ['a capital', 'Adb', "'Adb'"],
    ['a digit in front', '1db', "'1db'"],
    ['a hyphen', 'a-db', "'a-db'"],
    ['nothing', '""', 'empty text'],
  ])('with %s is refused as database, role and extension', async (_name, yaml, found) => {
    const faults = async (text: string) =>
      (await faultLines(service(text))).map((line) => line.replace('a/service.yaml:', ''));
    expect(await faults(A.replace('adb', () => yaml))).toEqual([
      `2:11: expected ${identifier('a database name')}, found ${found}`,
    ]);
    expect(await faults(A.replace('a_owner', () => yaml))).toEqual([
      `4:9: expected ${identifier('a role name')}, found ${found}`,
    ]);
    const extension = await faults(`${A}prerequisites:\n  extensions:\n    - ${yaml}\n`);
    const isName = yaml === 'a-db';
    expect(extension).toEqual(
      isName ? [] : [`8:7: expected an extension name such as pgcrypto or uuid-ossp, found ${found}`],
    );
  });

  it('of 63 bytes is taken', async () => {
    const name = `a${'_'.repeat(62)}`;
    expect((await load(service(A.replace('adb', name)))).services[0]?.database).toBe(name);
  });

  it.each(['postgres', 'template0', 'template1'])('%s is no database for a service', async (name) => {
    expect(await faultLines(service(A.replace('adb', name)))).toEqual([
      `a/service.yaml:2:11: no service can have this database: ${name} is a database of the server itself (Give it a name of its own.)`,
    ]);
  });

  it.each<[string, string]>([
    ['pg_owner', "names that begin with pg_ are PostgreSQL's own"],
    ['public', 'public is a word of SQL where a role is expected'],
    ['none', 'none is a word of SQL where a role is expected'],
  ])('%s is no role', async (name, why) => {
    const role = `${A}prerequisites:\n  roles:\n    - name: ${name}\n`;
    expect(await faultLines(service(A.replace('a_owner', name)))).toEqual([
      `a/service.yaml:4:9: no role can have this name: ${why}`,
    ]);
    expect(await faultLines(service(role))).toEqual([`a/service.yaml:8:13: no role can have this name: ${why}`]);
  });
});
