import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Edge } from '../../src/cli/command-context.ts';
import { runProgram } from '../../src/cli/program.ts';
import { formatBug } from '../../src/report/failure-text.ts';
import { createStyle } from '../../src/report/style.ts';
import { fatal, startFakeServer } from '../support/fake-server.ts';
import { holdGate } from '../support/gate.ts';
import type { ProjectFolder } from '../support/project-folder.ts';
import { canaries, expectNoLeak, formsOf, inHalves, leaksIn, makeSecretProject, run, start } from './support.ts';

const configured = [canaries.owner, canaries.app];
const formats = [
  ['--verbose', '--show-data', '--output', 'plain'],
  ['--verbose', '--show-data', '--output', 'json'],
  ['--verbose', '--show-data', '--output', 'tree'],
];

/** Says each password in each form: raw, in JSON, URL-encoded by hand, in base64 and in hex. */
const echo = `DO $do$
DECLARE secret text; said text := '';
BEGIN
  FOREACH secret IN ARRAY ARRAY[${configured.map(inHalves).join(', ')}] LOOP
    said := said || concat_ws(' ', '', secret, to_json(secret), quote_literal(secret), '<' || secret || '>',
      translate(encode(convert_to(secret, 'UTF8'), 'base64'), E'\\n', ''), encode(convert_to(secret, 'UTF8'), 'hex'),
      translate(encode(convert_to('user:' || secret, 'UTF8'), 'base64'), E'\\n', ''),
      'postgresql://role:' || replace(replace(replace(replace(replace(replace(replace(replace(replace(secret,
        '%', '%25'), ' ', '%20'), '''', '%27'), '"', '%22'), E'\\\\', '%5C'), '/', '%2F'), '+', '%2B'), 'é', '%C3%A9'), 'ü', '%C3%BC') || '@host/db');
  END LOOP;
  RAISE NOTICE 'notice %', said;
  RAISE WARNING 'warning %', said;
  LEVEL
END $do$;
`;
const say = echo.replace('LEVEL', '');
const fail = echo.replace('LEVEL', "RAISE EXCEPTION USING MESSAGE = 'failed ' || said, DETAIL = said, HINT = said;");

/** What a person types with a command; one that is not here is typed alone. */
const commandLines: Readonly<Record<string, readonly (readonly string[])[]>> = {
  up: [['up', '--runtime', 'local']],
  migrate: [['migrate']],
  downgrade: [['downgrade', 'base', '--yes']],
  stamp: [['stamp', 'head']],
  accept: [['accept', '001', '--reason', 'because']],
  plan: [['plan']],
  check: [['check']],
  current: [['current'], ['current', '-v']],
  history: [['history'], ['history', '-v']],
  heads: [['heads']],
  branches: [['branches']],
  show: [
    ['show', 'head'],
    ['show', 'head', '--recorded'],
  ],
  status: [['status']],
  sql: [['sql']],
  revision: [['revision', '-m', 'more', '--service', 'shop']],
  merge: [['merge', 'heads', '-m', 'both']],
  rebase: [['rebase', 'shop']],
  reset: [['reset', 'shop', '--yes']],
  wait: [['wait']],
  logs: [['logs']],
  down: [['down']],
};

/** Everything that orch keeps in a database, but for the text of revisions, which is the user's own. */
async function kept(project: ProjectFolder): Promise<string> {
  const ledger = await project.sql('shop', 'SELECT l.*, NULL AS up_text, NULL AS down_text FROM orch.ledger AS l');
  const log = await project.sql('shop', 'SELECT * FROM orch.log');
  const cursors = await project.sql('shop', 'SELECT * FROM orch.cursor');
  return [...ledger, ...log, ...cursors].flatMap((row) => Object.values(row).map(String)).join('\n');
}

describe('a password of the config', () => {
  it('is in no output of any command, in any format, with everything shown', async () => {
    const files = await readdir(fileURLToPath(new URL('../../src/cli/commands', import.meta.url)));
    const names = files.map((file) => file.replace('.ts', ''));
    expect(names).toEqual(expect.arrayContaining(Object.keys(commandLines)));
    const project = await makeSecretProject({ '001_say.up.sql': say, '001_say.down.sql': say, '002_a.up.sql': '' });
    await project.write('shop/revisions/002_a.up.sql', 'SELECT 1;\n');
    await project.write('shop/revisions/002_a.down.sql', 'SELECT 1;\n');
    for (const args of names.flatMap((name) => commandLines[name] ?? [[name]])) {
      for (const format of formats.slice(0, 2)) {
        if (args[0] === 'up' || args[0] === 'downgrade') await run(project, ['migrate']);
        const what = [...args, ...format].join(' ');
        if (args[0] !== 'up') expectNoLeak(await run(project, [...args, ...format]), configured, what);
        else {
          const running = start(project, [...args, ...format]);
          await running.said(/head|ready|Nothing/i);
          running.child.kill('SIGTERM');
          expectNoLeak(await running.ended, configured, what);
        }
      }
    }
  }, 600_000);

  it.each(['sql', 'ts'])(
    'that a revision (%s) says or fails with is in no output, and not in the log',
    async (kind) => {
      const code = `const statement = ${JSON.stringify(fail)};\nexport async function up({ query }) {\n  await query(${JSON.stringify(say)});\n  await query(statement);\n}\n`;
      const file = kind === 'ts' ? { '002_fail.ts': code } : { '002_fail.up.sql': `${say}${fail}` };
      const project = await makeSecretProject({ '001_say.up.sql': say, ...file });
      for (const format of formats) {
        const ended = await run(project, ['migrate', ...format]);
        expect(ended.code, ended.output).toBe(5);
        expect(ended.output).toContain('failed');
        expectNoLeak(ended, configured, format.join(' '));
      }
      const log = await kept(project);
      expect(log).toContain('NOTICE: notice');
      expect(log).toContain('failed');
      expect(leaksIn(log, configured)).toEqual([]);
    },
  );

  it('is not in the log of a statement outside a transaction, nor of a revert', async () => {
    const head = '-- orch: transaction none\n';
    const project = await makeSecretProject({
      '001_say.up.sql': `${head}${say}`,
      '001_say.down.sql': `${head}${fail}`,
      '002_fail.up.sql': `${head}${say}${fail}`,
    });
    expect((await run(project, ['migrate'])).code).toBe(6);
    await project.remove('shop/revisions/002_fail.up.sql');
    await project.sql('shop', "DELETE FROM orch.ledger WHERE name = '002_fail'");
    const ended = await run(project, ['downgrade', 'base', '--yes', '--verbose', '--show-data']);
    expect(ended.code, ended.output).toBe(6);
    expectNoLeak(ended, configured, 'downgrade');
    const log = await kept(project);
    expect(log).toContain('failed');
    expect(leaksIn(log, configured)).toEqual([]);
  });

  it('that the server echoes when it refuses the login is in no output', async () => {
    const said = formsOf(canaries.owner).join(' | ');
    const server = await startFakeServer((_, socket) => socket.end(fatal('28000', `no entry for ${said}`)));
    onTestFinished(() => server.close());
    const project = await makeSecretProject({ '001_a.up.sql': 'SELECT 1;' });
    const url = `postgresql://role:${encodeURIComponent(canaries.app)}@127.0.0.1:${server.port}/postgres?sslmode=disable`;
    for (const command of ['migrate', 'wait']) {
      for (const format of formats) {
        const ended = await run(project, [command, ...format], { ORCH_SERVER_URL: url });
        expect(ended.code, ended.output).toBe(8);
        expect(ended.output).toContain('no entry for');
        expectNoLeak(ended, configured, `${command} ${format.join(' ')}`);
      }
    }
  });

  it('is in no output where TLS fails, or the login', async () => {
    const project = await makeSecretProject({ '001_a.up.sql': 'SELECT 1;' });
    const { host, port, adminRole } = project.postgres;
    const url = `postgresql://${adminRole}:${encodeURIComponent(canaries.owner)}@${host}:${port}/postgres`;
    for (const bad of [`${url}?sslmode=verify-full`, url, `${url}?sslmode=nonsense`, url.replace('@', '@@')]) {
      for (const format of formats) {
        const ended = await run(project, ['migrate', ...format], { ORCH_SERVER_URL: bad });
        expect([2, 8], ended.output).toContain(ended.code);
        expectNoLeak(ended, configured, `${bad.slice(-20)} ${format.join(' ')}`);
      }
    }
  });

  it('is known where a bug is told, which no reporter tells', async () => {
    const project = await makeSecretProject({ '001_a.up.sql': 'SELECT 1;' });
    let known: readonly string[] = [];
    const writer = { write: () => undefined };
    const edge: Edge = {
      cwd: project.folder,
      environment: {},
      stdout: writer,
      stderr: writer,
      version: '0',
      signal: new AbortController().signal,
      ask: undefined,
      edit: undefined,
      open: () => Promise.reject(new Error(`a bug with ${formsOf(canaries.owner).join(' ')} in it`)),
      setExitCode: () => undefined,
      keepSecret: (found) => {
        known = found;
      },
    };
    const bug: unknown = await runProgram(edge, ['plan']).catch((error: unknown) => error);
    const told = formatBug(bug, '0', known, createStyle(false));
    expect(told).toContain('a bug with ***');
    expect(leaksIn(told, configured)).toEqual([]);
  });

  it('is in no file that orch writes, and no command line of it or of what it starts', async () => {
    const project = await makeSecretProject({ '001_a.up.sql': 'SELECT 1;' });
    await run(project, ['migrate']);
    const gate = await holdGate(project, 'shop');
    await project.write('shop/revisions/002_gated.up.sql', gate.sql);
    const running = start(project, ['migrate', '--verbose']);
    await gate.waiter();
    expect(await commandLinesOf(running.child.pid ?? 0)).toEqual([expect.stringContaining('migrate')]);
    const all = (await allCommandLines()).join('\n');
    expect(leaksIn(all, configured)).toEqual([]);
    await gate.open();
    expectNoLeak(await running.ended, configured, 'migrate');
    expect(leaksIn(await written(project), configured)).toEqual([]);
  });
});

describe('a password in the SQL of a revision', () => {
  const { literal } = canaries;

  it.each([
    `CREATE ROLE pg_no PASSWORD '${literal}';`,
    `CREATE ROLE pg_no\n  LOGIN PASSWORD\n    '${literal}';`,
    `CREATE ROLE pg_no ENCRYPTED PASSWORD E'${literal}';`,
    `CREATE ROLE pg_no PASSWORD U&'${literal}';`,
    `ALTER ROLE nobody_here PASSWORD $$${literal}$$;`,
    `ALTER ROLE nobody_here PASSWORD $tag$${literal}$tag$;`,
    `DO $do$ BEGIN EXECUTE 'CREATE ROLE pg_no PASSWORD ''${literal}'''; END $do$;`,
    `CREATE USER MAPPING FOR CURRENT_USER SERVER nowhere OPTIONS (user 'u', password '${literal}');`,
    `CREATE SUBSCRIPTION s CONNECTION 'host=h user=u password=${literal}' PUBLICATION p;`,
    `SELECT 1 AS postgresql, no_such FROM (VALUES ('postgresql://u:${literal}@h/d')) AS v;`,
    `${' '.repeat(200)}CREATE ROLE pg_no PASSWORD '${literal}' ${' '.repeat(200)} nonsense;`,
    `CREATE ROLE pg_no PASSWORD '${'x'.repeat(60)}${literal}${'y'.repeat(60)}' nonsense nonsense;`,
  ])('is in no output, and not in the log, where it fails: %s', async (sql) => {
    const project = await makeSecretProject({ '001_a.up.sql': 'SELECT 1;', '002_role.up.sql': `${sql}\n` });
    for (const format of formats) {
      const ended = await run(project, ['migrate', ...format]);
      expect([5, 6], ended.output).toContain(ended.code);
      expectNoLeak(ended, [literal], format.join(' '));
    }
    expect(leaksIn(await kept(project), [literal])).toEqual([]);
  });

  it('stays in the recorded text: that is the revision itself, as its file holds it', async () => {
    const project = await makeSecretProject({ '001_a.up.sql': `SELECT '${literal}';\n` });
    await run(project, ['migrate']);
    const rows = await project.sql<{ up_text: string }>('shop', 'SELECT up_text FROM orch.ledger');
    expect(rows[0]?.up_text).toBe(`SELECT '${literal}';\n`);
    const asApp = { user: project.app('shop'), password: canaries.app };
    await expect(readAs(project, asApp, 'SELECT up_text FROM orch.ledger')).rejects.toThrow('permission denied');
  });
});

describe('values of rows', () => {
  const table = 'CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t VALUES (1, $$row-c4n4ry$$);\n';

  it.each([
    ['DETAIL of a constraint', `${table}ALTER TABLE t ADD CHECK (a > 1);`],
    ['the context of COPY', `${table}COPY t FROM stdin;\nrow-c4n4ry\tb\n\\.\n`],
    ['a unique index', `${table}INSERT INTO t SELECT 2, b FROM t; CREATE UNIQUE INDEX ON t (b);`],
  ])('are shown only with --show-data: %s', async (_what, sql) => {
    const project = await makeSecretProject({ '001_a.up.sql': 'SELECT 1;', '002_fail.up.sql': `${sql}\n` });
    for (const format of ['plain', 'json', 'tree']) {
      const ended = await run(project, ['migrate', '--verbose', '--output', format]);
      expect(ended.code, ended.output).toBe(5);
      // PostgreSQL puts the value that no number is into the message itself; DETAIL and context are ours to leave out.
      const shown = ended.output.replaceAll(/invalid input syntax for type integer: \\?"row-c4n4ry\\?"/g, '');
      expect(shown).not.toMatch(/row-c4n4ry/);
    }
  });
});

async function readAs(project: ProjectFolder, role: { user: string; password: string }, sql: string): Promise<unknown> {
  const { default: pg } = await import('pg');
  const { host, port } = project.postgres;
  const client = new pg.Client({ host, port, database: project.database('shop'), ...role });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function commandLineOf(pid: string): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
}

async function allCommandLines(): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return await Promise.all(pids.map(commandLineOf));
}

async function commandLinesOf(pid: number): Promise<readonly string[]> {
  return [await commandLineOf(String(pid))];
}

/** All that lies in the project's folder, but for the files that the test itself put a password into. */
async function written(project: ProjectFolder): Promise<string> {
  const entries = await readdir(project.folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const own = paths.filter((path) => !path.startsWith(join(project.folder, 'secrets')));
  return (await Promise.all(own.map((path) => readFile(path, 'latin1')))).join('\n');
}
