import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Ended, orch } from '../support/orch.ts';
import { expectClean, expectFault } from './support.ts';

const canary = 'config-canary-e3c1';
/** Nothing listens there: that no server was asked shows in the exit code. */
const url = `postgresql://postgres:${canary}@127.0.0.1:1/postgres`;
const service = (name: string, more = '') =>
  `name: ${name}\ndatabase: ${name}_db\nowner: { role: ${name}_owner, password: ${canary} }\n${more}`;
const good = {
  'orchestrator.config.yaml': `project: sample\nservers: { main: { url: '${url}' } }\nservices: [a/service.yaml, b/service.yaml]\n`,
  'a/service.yaml': service('a'),
  'b/service.yaml': service('b'),
  'a/revisions/001_a.up.sql': 'SELECT 1',
  'b/revisions/001_b.up.sql': 'SELECT 1',
};

async function folderOf(files: Readonly<Record<string, string | undefined>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-config-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [file, text] of Object.entries({ ...good, ...files })) {
    if (text === undefined) continue;
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return folder;
}

async function runIn(folder: string, args: readonly string[]): Promise<Ended> {
  const ended = await orch(args, { cwd: folder });
  expectClean(ended, [canary]);
  return ended;
}

const mended = /orch plan {2}# once (it is|they are) mended: reads the config again, changes nothing/;

/** The faults of these files, in words and as JSON, each with exit 2; in words nothing is on stdout. */
async function expectFaults(
  files: Readonly<Record<string, string | undefined>>,
  happened: readonly (string | RegExp)[],
): Promise<void> {
  const folder = await folderOf(files);
  const ended = await runIn(folder, ['migrate']);
  expectFault(ended, { code: 2, happened, now: 'nothing was done.', next: mended });
  expect(ended.stdout).toBe('');
  const json = await runIn(folder, ['plan', '--output', 'json']);
  expect(json.code).toBe(2);
  expect(JSON.parse(json.stdout)).toMatchObject({
    type: 'run-failed',
    failure: { code: 'config-invalid', exitCode: 2 },
  });
}

describe('a config that cannot be used', () => {
  it('is not there', async () => {
    const folder = await folderOf({ 'orchestrator.config.yaml': undefined });
    expectFault(await runIn(folder, ['migrate']), {
      code: 2,
      happened: [
        'there is no orchestrator.config.yaml here. Looked for:',
        '\n  orchestrator.config.yaml\n  ../orchestrator.config.yaml',
      ],
      now: 'nothing was done.',
      next: 'orch status --config <path/to/orchestrator.config.yaml>',
    });
  });

  it('is not where --config says', async () => {
    const folder = await folderOf({});
    expectFault(await runIn(folder, ['migrate', '--config', 'b/nope.yaml']), {
      code: 2,
      happened: 'there is no config file b/nope.yaml',
      now: 'nothing was done.',
      next: 'orch status --config',
    });
  });

  it.each([
    ['empty', '', /orchestrator\.config\.yaml:1:1 {2}the file is empty/],
    ['of comments alone', '# nothing\n', /orchestrator\.config\.yaml:\S+ {2}the file is empty/],
    ['a list', '- a\n', /orchestrator\.config\.yaml:1:1 {2}expected a mapping of keys to values/],
    ['cut short', 'project: "sample\n', /orchestrator\.config\.yaml:\d+:\d+ {2}/],
    [
      'indented wrongly',
      'project: sample\n  services: [a]\n',
      /orchestrator\.config\.yaml:\d+:\d+ {2}.+\n {2}\d+ \| .*\n {4}\| +\^/,
    ],
    ['with a key twice', 'project: a\nproject: b\n', /orchestrator\.config\.yaml:2:1 {2}this key stands here twice/],
  ])('is %s', async (_, text, happened) => {
    await expectFaults({ 'orchestrator.config.yaml': text }, [/\d faults? in the config/, happened]);
  });

  it.each([
    ['up', '--runtime', 'local'],
    ['plan'],
    ['current'],
    ['status'],
    ['wait'],
    ['reset', 'a_db', '--yes'],
    ['logs'],
    ['down'],
  ])('is told by orch %s as well', async (...args) => {
    const folder = await folderOf({ 'b/service.yaml': '' });
    const happened = /b\/service\.yaml:1:1 {2}the file is empty/;
    expectFault(await runIn(folder, args), { code: 2, happened, now: 'nothing was done.', next: mended });
  });

  it('is a YAML bomb', async () => {
    const levels = ['x: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]'];
    for (let level = 1; level < 12; level += 1)
      levels.push(
        `l${level}: &l${level} [${Array(9)
          .fill(`*l${level - 1}`)
          .join(', ')}]`,
      );
    await expectFaults({ 'orchestrator.config.yaml': levels.join('\n') }, [
      /orchestrator\.config\.yaml:\d+:\d+ {2}the file has more than 100 aliases/,
    ]);
    await expectFaults({ 'a/service.yaml': `${'['.repeat(20_000)}` }, [/a\/service\.yaml/]);
  });

  it('has all its faults told at once, each with its place, line and caret, unknown keys with the nearest', async () => {
    await expectFaults(
      {
        'orchestrator.config.yaml': `project: sample\nenviroment: production\nservers: { main: { url: '${url}' } }\nservices: [a/service.yaml, b/service.yaml, c/service.yaml]\n`,
        'a/service.yaml': service('a', 'prerequisits: {}\n'),
        'b/service.yaml': service('b', 'health: { timeout: soon }\n'),
      },
      [
        '4 faults in the config',
        "orchestrator.config.yaml:2:1  unknown key 'enviroment'\n  2 | enviroment: production\n    | ^\n  hint: Did you mean 'environment'?",
        /orchestrator\.config\.yaml:4:44 {2}the service file c\/service\.yaml does not exist\n/,
        "a/service.yaml:4:1  unknown key 'prerequisits'",
        /b\/service\.yaml:4:20 {2}expected a duration such as 30s, .*, found 'soon'\n {2}4 \| .*\n {4}\| {20}\^/,
      ],
    );
  });

  it('gives two services one database', async () => {
    await expectFaults({ 'b/service.yaml': service('b').replace('b_db', 'a_db') }, [
      "b/service.yaml:2:11  two services have one database: a and b have 'a_db'",
      'The other one: a/service.yaml:2.',
    ]);
  });

  it('gives two services one name', async () => {
    await expectFaults({ 'b/service.yaml': service('b').replace('name: b', 'name: a') }, [
      "two services are named 'a'",
    ]);
  });

  it('has a service that needs itself, or others in a circle, or nobody', async () => {
    await expectFaults({ 'a/service.yaml': service('a', 'needs: [a]\n') }, [
      'a/service.yaml:4:9  a service cannot need itself: a -> a',
    ]);
    await expectFaults(
      { 'a/service.yaml': service('a', 'needs: [b]\n'), 'b/service.yaml': service('b', 'needs: [a]\n') },
      [/services that need each other in a circle: (a -> b -> a|b -> a -> b)/],
    );
    await expectFaults({ 'a/service.yaml': service('a', 'needs: [bb]\n') }, [
      "no service is named 'bb'",
      "Did you mean 'b'?",
    ]);
  });

  it.each([
    ['a quote', 'a"db', 'It has a quote in it.'],
    ['a single quote', "a'; DROP TABLE x --", 'It has a quote in it.'],
    ['a semicolon', 'a;db', 'It has a semicolon in it.'],
    ['a newline', 'a\ndb', 'It has a line break in it.'],
    ['an escape', 'a\u001b[2Jdb', 'It has a control character in it.'],
    ['a direction mark', 'a\u202edb', 'It has a character in it that cannot be seen.'],
    ['more than 63 bytes', 'a'.repeat(64), 'It is 64 bytes long; PostgreSQL takes 63.'],
    ['capitals', 'Auth', 'expected a database name'],
    ['nothing', '', 'expected a database name'],
  ])('has an identifier with %s', async (_, name, hint) => {
    const quoted = JSON.stringify(name);
    await expectFaults({ 'a/service.yaml': service('a').replace('a_db', quoted) }, [/a\/service\.yaml:2:11 {2}/, hint]);
    const folder = await folderOf({ 'a/service.yaml': service('a').replace('a_owner', quoted) });
    const ended = await runIn(folder, ['migrate']);
    expectFault(ended, {
      code: 2,
      happened: /a\/service\.yaml:3:16 {2}expected a role name/,
      now: 'nothing was done.',
      next: mended,
    });
    expect(ended.output.includes('\u001b') || ended.output.includes('\u202e')).toBe(false);
  });

  it('names a reserved database or role', async () => {
    await expectFaults({ 'a/service.yaml': service('a').replace('a_db', 'template1') }, [
      'no service can have this database',
    ]);
    await expectFaults({ 'a/service.yaml': service('a').replace('a_owner', 'pg_monitor') }, [
      'no role can have this name',
    ]);
  });

  it('takes its revisions from outside the project', async () => {
    const folder = await folderOf({});
    const outside = await mkdtemp(join(tmpdir(), 'orch-outside-'));
    onTestFinished(() => rm(outside, { recursive: true, force: true }));
    await rm(join(folder, 'a/revisions'), { recursive: true });
    await symlink(outside, join(folder, 'a/revisions'));
    expectFault(await runIn(folder, ['migrate']), {
      code: 2,
      happened: /the revisions folder a\/revisions is outside the project/,
      now: 'nothing was done.',
      next: mended,
    });
  });

  it('lacks a variable or a password file, and shows no password that stands beside', async () => {
    await expectFaults(
      { 'a/service.yaml': service('a').replace(canary, `'$${'{NO_SUCH_VARIABLE:?set it to the password of a}'}'`) },
      [/a\/service\.yaml:3:\d+ {2}.*NO_SUCH_VARIABLE.*set it to the password of a/],
    );
    await expectFaults({ 'b/service.yaml': service('b').replace(`password: ${canary}`, 'passwordFile: nope') }, [
      /b\/service\.yaml:3:39 {2}the password file does not exist\n/,
    ]);
    await expectFaults({ 'b/service.yaml': service('b', `password: ${canary}\n`) }, ["unknown key 'password'"]);
    await expectFaults(
      {
        'orchestrator.config.yaml': `project: s\nservers: { main: { url: 'mysql://root:${canary}@h/d' } }\nservices: [a/service.yaml]\n`,
      },
      [/orchestrator\.config\.yaml:2:\d+ {2}/],
    );
  });
});
