import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databaseKey } from '../../src/adapters/postgres/advisory-lock.ts';
import type { Service } from '../../src/core/project.ts';
import { fatal, startFakeServer } from '../support/fake-server.ts';
import { freePort } from '../support/local-service.ts';
import type { Ended } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { run, start } from './support.ts';

/** Sets the window's title, clears the screen, moves up, rings, turns the text around, and hides in C1. */
const evil = '\u001b]0;evil\u0007\u001b[2J\u001b[9A\u009b2J\u202egpj\u2066\u200b\u0008\u007f';
const inSql = `'${evil}'`;

/** What the tree itself tells the terminal: colours, hide and show the cursor, go up a line and clear it. */
const own = new RegExp(`${'\u001b'}\\[(?:\\?25[lh]|2K|1A|G|[\\d;]*m)`, 'g');

/** Every character that steers a terminal or hides, but line ends and, where the terminal is one, what orch says to it. */
function steering(text: string, isTerminal: boolean): readonly string[] {
  const shown = isTerminal ? text.replaceAll(own, '') : text;
  const hidden = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/u;
  return [...shown].filter((character) => character !== '\n' && hidden.test(character));
}

const formats = [
  { args: ['--output', 'plain'], env: {} },
  { args: ['--output', 'json'], env: {} },
  { args: ['--output', 'tree'], env: { FORCE_COLOR: '1' } },
];

function expectTame(ended: Ended, what: string, isTerminal = false): void {
  expect(ended.output, what).toMatch(/\S/);
  expect(steering(ended.output, isTerminal), `${what}\n${ended.output}`).toEqual([]);
  expect(ended.output, what).not.toContain('this is a bug in orch');
}

/** In each format with everything shown: nothing but text, and the evil one is there in a form that can be read. */
async function expectAllTame(project: ProjectFolder, args: readonly string[], shows = true, env = {}): Promise<void> {
  for (const format of formats) {
    const what = [...args, ...format.args].join(' ');
    const ended = await run(project, [...args, ...format.args, '--verbose', '--show-data'], { ...env, ...format.env });
    expectTame(ended, what, 'FORCE_COLOR' in format.env);
    if (shows) expect(ended.output, what).toMatch(/\\(?:x1b|u001b|e)\]0;evil\\/);
  }
}

const plain = { '001_a.up.sql': 'SELECT 1;\n' };

describe('a terminal obeys nothing that stands in', () => {
  it('what the server says: error, detail, hint, notice, warning, names', async () => {
    const raise = `DO $do$ BEGIN
      RAISE NOTICE '%', ${inSql}; RAISE WARNING '%', ${inSql};
      RAISE EXCEPTION USING MESSAGE = ${inSql}, DETAIL = ${inSql}, HINT = ${inSql}, TABLE = ${inSql};
    END $do$;`;
    const project = await makeProject({ shop: { revisions: { ...plain, '002_b.up.sql': raise } } });
    await expectAllTame(project, ['migrate']);
    await project.write('shop/revisions/002_b.up.sql', `CREATE TABLE "${evil}" (a int); SELECT b FROM "${evil}";\n`);
    await expectAllTame(project, ['migrate']);
  });

  it('the line of a file that a fault points at', async () => {
    const project = await makeProject({ shop: { revisions: { ...plain, '002_b.up.sql': `SELEC ${inSql};\n` } } });
    await expectAllTame(project, ['migrate']);
    await project.write('shop/revisions/002_b.up.sql', `SELECT 1; SELECT '${evil}\n`);
    await expectAllTame(project, ['check']);
    await project.write('shop/revisions/002_b.up.sql', `\\${evil}\nSELECT 1;\n`);
    await expectAllTame(project, ['check']);
    await project.remove('shop/revisions/002_b.up.sql');
    await project.write('shop/revisions/002_b.ts', `export function up() { throw new Error(\`${evil}\`) }\n`);
    await expectAllTame(project, ['migrate']);
    await project.write('shop/revisions/002_b.ts', `export function up() { \`${evil}\` `);
    await expectAllTame(project, ['migrate']);
  });

  it('names of files and folders, and the head of a file', async () => {
    const name = `002_${evil}.up.sql`;
    const project = await makeProject({ shop: { revisions: plain } });
    await project.write(`shop/revisions/${name}`, 'SELECT 1;\n');
    await expectAllTame(project, ['plan']);
    await project.remove(`shop/revisions/${name}`);
    await mkdir(join(project.folder, 'shop', 'revisions', `003_${evil}`));
    await expectAllTame(project, ['check']);
    await project.remove(`shop/revisions/003_${evil}`);
    const head = `-- orch:message ${evil}\n-- orch:author ${evil} <a@b>\n-- orch:${evil}\n`;
    await project.write('shop/revisions/002_b.up.sql', `${head}SELECT 1;\n`);
    for (const command of [['history'], ['show', 'head'], ['heads'], ['migrate'], ['plan']])
      await expectAllTame(project, command, false);
  });

  it('what the ledger kept', async () => {
    const revisions = { '001_a.up.sql': `SELECT ${inSql};\n`, '001_a.down.sql': `SELECT ${inSql};\n` };
    const project = await makeProject({ shop: { revisions } });
    await run(project, ['migrate']);
    const change = `UPDATE orch.ledger SET name = name || ${inSql}, note = ${inSql}, up_file = ${inSql}, role = ${inSql}, host = ${inSql}`;
    await expectAllTame(project, ['show', 'head', '--recorded']);
    await expectAllTame(project, ['show', 'head']);
    await project.sql('shop', change);
    for (const command of [['plan'], ['status'], ['current'], ['check'], ['history'], ['migrate']])
      await expectAllTame(project, command, false);
    await expectAllTame(project, ['plan']);
  });

  it('the session that holds the lock', async () => {
    const project = await makeProject({ shop: { revisions: plain } });
    await run(project, ['migrate']);
    await project.write('shop/revisions/002_b.up.sql', 'SELECT 1;\n');
    const { default: pg } = await import('pg');
    const { host, port, adminRole: user, adminPassword: password } = project.postgres;
    const database = project.database('shop');
    const client = new pg.Client({ host, port, user, password, database, application_name: evil });
    await client.connect();
    onTestFinished(() => client.end());
    await client.query(`SELECT ${inSql}, pg_advisory_lock(${databaseKey({ database } as Service)})`);
    await expectAllTame(project, ['migrate', '--lock-wait', '100ms'], false);
  });

  it('a config, a service’s name, a value in the environment or on the command line', async () => {
    const project = await makeProject({ shop: { revisions: plain } });
    await expectAllTame(project, ['migrate', '--service', evil]);
    await expectAllTame(project, ['migrate', evil]);
    await expectAllTame(project, ['show', evil]);
    await expectAllTame(project, ['migrate', `--${evil}`]);
    await expectAllTame(project, [evil], false);
    await expectAllTame(project, ['migrate', '--config', evil]);
    for (const ORCH_SERVER_URL of [evil, `postgresql://${evil}@h/d`, `postgresql://r@${evil}/d`])
      await expectAllTame(project, ['migrate'], false, { ORCH_SERVER_URL });
    const yaml = `name: "sh\\e]0;evil\\aop"\ndatabase: "d\\e]0;evil\\a"\nowner: { role: "o\\e]0;evil\\a" }\n"\\e]0;evil\\a": 1\n`;
    await project.write('shop/service.yaml', yaml);
    await expectAllTame(project, ['migrate']);
    await project.write('shop/service.yaml', `name: shop\n# ${evil}\n`);
    await expectAllTame(project, ['migrate'], false);
  });

  it('what answers in the place of a server', async () => {
    const server = await startFakeServer((_, socket) => socket.end(fatal('28000', `no ${evil}`)));
    onTestFinished(() => server.close());
    const project = await makeProject({ shop: { revisions: plain } });
    const ORCH_SERVER_URL = `postgresql://r@127.0.0.1:${server.port}/postgres?sslmode=disable`;
    await expectAllTame(project, ['wait'], true, { ORCH_SERVER_URL });
  });

  it('the name of the author that Git gives', async () => {
    const project = await makeProject({ shop: { revisions: plain } });
    const env = { GIT_AUTHOR_NAME: `Ada ${evil}`, GIT_AUTHOR_EMAIL: 'ada@example.org' };
    const ended = await run(project, ['revision', '-m', `more ${evil}`, '--service', 'shop'], env);
    expectTame(ended, 'revision');
    for (const path of ended.stdout.trim().split('\n')) {
      const text = await readFile(join(project.folder, path), 'utf8');
      expect(steering(text, false), text).toEqual([]);
    }
  });

  it('the output of a service', async () => {
    const project = await makeProject({ shop: { revisions: plain } });
    const port = await freePort();
    const program = `console.log(${JSON.stringify(evil)}); console.error(${JSON.stringify(evil)});
require('node:http').createServer((q, r) => r.end('ok')).listen(${port}, '127.0.0.1');\n`;
    await writeFile(join(project.folder, 'shop', 'main.cjs'), program);
    const yaml = await readFile(join(project.folder, 'shop', 'service.yaml'), 'utf8');
    const local = `local: { command: [node, main.cjs], port: ${port} }\nhealth: { url: 'http://127.0.0.1:${port}/' }\n`;
    await project.write('shop/service.yaml', `${yaml}${local}`);
    const up = start(project, ['up', '--runtime', 'local', '--verbose']);
    await up.said(/1 service ready/);
    await expectAllTame(project, ['logs', '--runtime', 'local']);
    await expectAllTame(project, ['status', '--runtime', 'local'], false);
    up.child.kill('SIGTERM');
    expectTame(await up.ended, 'up');
  });
});
