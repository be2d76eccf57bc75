import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { canaries, canary, countCanaries, countLeftovers, readLedger } from '../support/canary.ts';
import { holdGate } from '../support/gate.ts';
import { type Ended, orch, startOrch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { startTcpProxy, type Verdict } from '../support/tcp-proxy.ts';

const names = ['001_first', '002_second', '003_third'];
const ledger = names.map((name) => `${name} applied`);
const onceEach = Object.fromEntries(names.map((name) => [name, 1]));
const env = { ORCH_RUNTIME: 'local' };

/** Two services at head, each with a row that no revision wrote. */
async function twoServices(): Promise<ProjectFolder> {
  const sketch = { revisions: canaries(...names) };
  const project = await makeProject({ 'api-a': sketch, 'api-b': sketch });
  expect((await orch(['migrate'], { cwd: project.folder })).code).toBe(0);
  for (const service of ['api-a', 'api-b']) await project.sql(service, "INSERT INTO canary VALUES ('own')");
  return project;
}

function reset(project: ProjectFolder, ...args: readonly string[]): Promise<Ended> {
  return orch(['reset', ...args], { cwd: project.folder, env });
}

/** All that tells a database from another: its id, owner, rights, columns, rows, and its ledger with its times. */
async function photograph(project: ProjectFolder, service: string): Promise<unknown> {
  const [database, columns, rows, history] = await Promise.all([
    project.sql(service, 'SELECT oid, datdba, datacl::text FROM pg_database WHERE datname = current_database()'),
    project.sql(
      service,
      `SELECT n.nspname, c.relname, c.relacl::text, a.attname, a.atttypid FROM pg_class AS c
       JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
       WHERE n.nspname IN ('public', 'orch') ORDER BY 1, 2, a.attnum`,
    ),
    project.sql(service, 'SELECT xmin::text, name FROM canary ORDER BY name'),
    project.sql(service, 'SELECT name, applied_at::text, run_id::text FROM orch.ledger ORDER BY sequence'),
  ]);
  return { database, columns, rows, history };
}

/** As new: every revision once, and the roles can do what they may. */
async function expectFresh(project: ProjectFolder): Promise<void> {
  expect(await countCanaries(project, 'api-a')).toEqual(onceEach);
  expect(await readLedger(project, 'api-a')).toEqual(ledger);
  expect(await countLeftovers(project, 'api-a')).toEqual({ locks: 0, sessions: 0 });
  const [row] = await project.sql(
    'api-a',
    `SELECT pg_get_userbyid(datdba) AS owner, has_database_privilege('${project.app('api-b')}', datname, 'CONNECT') AS others,
       has_table_privilege('${project.app('api-a')}', 'canary', 'INSERT') AS app
     FROM pg_database WHERE datname = current_database()`,
  );
  expect(row).toEqual({ owner: project.owner('api-a'), others: false, app: true });
}

describe('reset', () => {
  test.each(['database', 'service'])(
    'by the name of the %s shows what goes, builds it anew, and touches no other',
    async (by) => {
      const project = await twoServices();
      const before = await photograph(project, 'api-b');
      const ended = await reset(project, by === 'service' ? 'api-a' : project.database('api-a'), '--yes');
      expect(ended.code).toBe(0);
      expect(ended.stderr).toMatch(
        new RegExp(`database ${project.database('api-a')} will be dropped: 1 table, [\\d.]+ MB`),
      );
      expect(ended.stderr).toMatch(/canary +4/);
      expect(ended.stdout).toMatch(/api-a .*003_third .*3 revisions applied/);
      await expectFresh(project);
      expect(await photograph(project, 'api-b')).toEqual(before);
    },
  );

  test('ends other sessions, and names them before', async () => {
    const project = await twoServices();
    const { host, port, adminRole: user, adminPassword: password } = project.postgres;
    const database = project.database('api-a');
    const client = new pg.Client({ host, port, user, password, database, application_name: 'a report' });
    // The server says why, then the connection ends: each is an error.
    const errors: (string | undefined)[] = [];
    client.on('error', (error: Error & { code?: string }) => void errors.push(error.code));
    await client.connect();
    const ended = await reset(project, 'api-a', '--yes');
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('a report');
    expect(errors).toContain('57P01');
    await expectFresh(project);
  });

  test('ends an orch that migrates the database just now, which then changes nothing', async () => {
    const project = await twoServices();
    const gate = await holdGate(project, 'api-a');
    await project.write('api-a/revisions/004_gated.up.sql', canary('004_gated', gate.sql));
    const other = startOrch(['migrate'], { cwd: project.folder });
    await gate.waiter();
    await project.remove('api-a/revisions/004_gated.up.sql');
    expect((await reset(project, 'api-a', '--yes')).code).toBe(0);
    expect((await other.ended).code).toBe(8);
    await expectFresh(project);
  });

  test('is refused where the config does not say development, whatever flags are given', async () => {
    const project = await twoServices();
    const before = await photograph(project, 'api-a');
    const config = await readFile(join(project.folder, 'orchestrator.config.yaml'), 'utf8');
    for (const environment of ['environment: test', 'environment: staging', 'environment: production', '']) {
      await project.write('orchestrator.config.yaml', config.replace('environment: development', environment));
      const ended = await reset(project, 'api-a', '--yes');
      expect(ended.code).toBe(2);
      expect(ended.stderr).toContain(environment.slice('environment: '.length) || 'production');
    }
    expect(await photograph(project, 'api-a')).toEqual(before);
  });

  test('without --yes and without a terminal is not approved, and touches nothing', async () => {
    const project = await twoServices();
    const before = await photograph(project, 'api-a');
    const ended = await orch(['reset', 'api-a'], { cwd: project.folder, env, input: `${project.database('api-a')}\n` });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('--yes');
    expect(await photograph(project, 'api-a')).toEqual(before);
  });

  test('of a database that is not there makes it', async () => {
    const project = await twoServices();
    await project.sql(undefined, `DROP DATABASE "${project.database('api-a')}"`);
    expect((await reset(project, 'api-a')).code).toBe(0);
    await expectFresh(project);
  });
});

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Runs a reset on a terminal of its own (util-linux's `script`), and types that at the question. */
async function resetOnTerminal(
  project: ProjectFolder,
  typed: string,
): Promise<{ code: number | null; output: string }> {
  const command = `${process.execPath} ${program} reset api-a`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: project.folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const wasAsked = output.includes('to drop it: ');
    output += text;
    if (!wasAsked && output.includes('to drop it: ')) child.stdin.write(typed);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

describe('reset on a terminal', () => {
  test('goes on when the name of the database is typed', async () => {
    const project = await twoServices();
    const { code, output } = await resetOnTerminal(project, `${project.database('api-a')}\r`);
    expect(output).toContain(`Type ${project.database('api-a')} to drop it: `);
    expect(output).toMatch(/canary +4/);
    expect(code).toBe(0);
    await expectFresh(project);
  });

  test('touches nothing when anything else is typed', async () => {
    const project = await twoServices();
    const before = await photograph(project, 'api-a');
    const endOfInput = '\u0004';
    for (const typed of ['api-a\r', 'yes\r', '\r', endOfInput]) {
      expect((await resetOnTerminal(project, typed)).code, JSON.stringify(typed)).toBe(2);
    }
    expect(await photograph(project, 'api-a')).toEqual(before);
  });

  test('is interrupted by Ctrl-C at the question, and touches nothing', async () => {
    const project = await twoServices();
    const before = await photograph(project, 'api-a');
    const { code, output } = await resetOnTerminal(project, '\u0003');
    expect(output).toContain('interrupted by Ctrl-C');
    expect(code).toBe(130);
    expect(await photograph(project, 'api-a')).toEqual(before);
  });
});

/** Where orch is killed: at the first statement with that text, which the server then gets (`pass`) or does not (`cut`). */
const points: readonly (readonly [string, RegExp, Verdict])[] = [
  ['before the database is dropped', /^DROP DATABASE/, 'cut'],
  ['while the database is dropped', /^DROP DATABASE/, 'pass'],
  ['when the database is gone', /^CREATE DATABASE/, 'cut'],
  ['while the database is created', /^CREATE DATABASE/, 'pass'],
  ['before the new database is opened', /ALLOW_CONNECTIONS true/, 'cut'],
  ['before there is a ledger', /CREATE SCHEMA[^;]* orch/, 'cut'],
  ['while there becomes a ledger', /CREATE SCHEMA[^;]* orch/, 'pass'],
  ['within a revision', /INSERT INTO public\.canary VALUES \('002_second'\)/, 'pass'],
  ['before a revision is committed', /'002_second'[\s\S]*COMMIT$/, 'cut'],
  ['while a revision is committed', /'002_second'[\s\S]*COMMIT$/, 'pass'],
];

test('reset killed at any point converges when it is run again', async () => {
  const project = await twoServices();
  const before = await photograph(project, 'api-b');
  const { adminRole, adminPassword, ...server } = project.postgres;
  const proxy = await startTcpProxy(server);
  const url = `postgresql://${adminRole}:${encodeURIComponent(adminPassword)}@127.0.0.1:${proxy.port}/postgres`;
  for (const [where, text, verdict] of points) {
    const run = startOrch(['reset', 'api-a', '--yes'], { cwd: project.folder, env: { ...env, ORCH_SERVER_URL: url } });
    proxy.judge = ({ sql }) => {
      if (!text.test(sql) || run.child.killed) return 'pass';
      run.child.kill('SIGKILL');
      return verdict;
    };
    expect((await run.ended).signal, where).toBe('SIGKILL');
    const ended = await reset(project, 'api-a', '--yes');
    expect(ended.code, `${where}:\n${ended.output}`).toBe(0);
    await expectFresh(project);
  }
  expect(await photograph(project, 'api-b')).toEqual(before);
});
