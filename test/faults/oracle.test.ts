import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { randomFrom } from '../config/random.ts';
import { makeProject } from '../support/project-folder.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { judge } from './oracle.ts';
import { judgeEnd } from './run-injection.ts';
import { Stage } from './stage.ts';
import { services } from './workload.ts';

/** A project after a run without any fault. */
async function cleanStage(): Promise<Stage> {
  const draw = randomFrom(1);
  const sketches = { 'api-a': { revisions: services(draw)['api-a']?.revisions ?? {} } };
  const project = await makeProject(sketches);
  await mkdir(join(project.folder, 'tmp'));
  const proxy = await startTcpProxy(project.postgres);
  const stage = new Stage({ project, proxy, draw, services: ['api-a'], applied: 0 }, {});
  expect(await stage.startDirect().ended).toMatchObject({ code: 0 });
  return stage;
}

/** A session of orch's that is left over with this done in it; ends with the test. */
async function leaveSession({ project }: Stage, sql: string, database = project.database('api-a')): Promise<void> {
  const { host, port, adminRole: user, adminPassword: password } = project.postgres;
  const client = new pg.Client({ host, port, user, password, database, application_name: 'psql' });
  client.on('error', () => undefined);
  onTestFinished(() => client.end());
  await client.connect();
  await client.query(sql);
}

const inService =
  (sql: string) =>
  async ({ project }: Stage): Promise<void> => {
    await project.sql('api-a', sql);
  };

/** What a fault could leave behind: what does it, and what the oracle then says. */
const leftovers: Readonly<Record<string, readonly [(stage: Stage) => Promise<unknown>, RegExp]>> = {
  'a revision without its effect': [inService("DELETE FROM canary WHERE name LIKE '002%'"), /lost: api-a 002_\w+$/m],
  'a revision that took effect twice': [
    inService("INSERT INTO canary SELECT name FROM canary WHERE name LIKE '003%'"),
    /doubled: api-a 003_\w+$/m,
  ],
  'a ledger row in a half state': [
    inService("UPDATE orch.ledger SET state = 'started' WHERE name LIKE '005%'"),
    /the ledger of api-a is .*005_\w+ started/,
  ],
  'a ledger row too few': [inService("DELETE FROM orch.ledger WHERE name LIKE '005%'"), /the ledger of api-a is /],
  'a table that no revision makes': [inService('CREATE TABLE other ()'), /the catalog of api-a differs: .*other/],
  'an owner who is another': [inService('ALTER TABLE canary OWNER TO postgres'), /the catalog of api-a differs/],
  'a row that no revision writes': [
    inService("INSERT INTO canary VALUES ('of nobody')"),
    /the catalog of api-a differs: .*of nobody/,
  ],
  'the lock of the database': [(stage) => leaveSession(stage, 'SELECT pg_advisory_lock(1)'), /1 locks and 0 sessions/],
  'a session of orch': [
    (stage) => leaveSession(stage, "SET application_name = 'orch worker 1'"),
    /0 locks and 1 sessions/,
  ],
  'the lock of the server': [
    (stage) => leaveSession(stage, 'SELECT pg_advisory_lock(4711)', 'postgres'),
    /process \d+ of the server keeps the server's lock/,
  ],
  'an index that is not valid': [
    inService(
      "CREATE INDEX broken ON canary (name); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass",
    ),
    /the index broken of api-a is invalid/,
  ],
  'a temporary file': [({ project }) => project.write('tmp/dump.sql', 'SELECT 1;'), /the file tmp\/dump\.sql is left/],
  'a file next to the revisions': [
    ({ project }) => project.write('api-a/revisions/006_new.up.sql.part', ''),
    /the file api-a\/revisions\/006_new\.up\.sql\.part is left/,
  ],
  'a socket': [
    async ({ project }) => {
      const server = createServer().listen(join(project.folder, 'tmp/holder.sock'));
      await once(server, 'listening');
      onTestFinished(() => void server.close());
    },
    /the file tmp\/holder\.sock is left/,
  ],
  'a process': [
    async ({ project }) => {
      const child = spawn('sleep', ['60'], { cwd: project.folder });
      await once(child, 'spawn');
      onTestFinished(() => void child.kill());
    },
    /process \d+ is left/,
  ],
  'a password in the output': [
    async ({ ended }) => {
      const url = `postgresql://o:${encodeURIComponent('owner-canary-7f3a')}@h`;
      ended.push({ code: 0, signal: null, stdout: url, stderr: '', output: url });
    },
    /the output hold a secret/,
  ],
  'a password in base64 in the output': [
    async ({ ended }) => {
      const output = Buffer.from('user:app-canary-91bc').toString('base64');
      ended.push({ code: 0, signal: null, stdout: output, stderr: '', output });
    },
    /the output hold a secret/,
  ],
  'a password among the arguments': [
    async ({ commandLines, project }) => commandLines.add(`pg_dump -W ${project.postgres.adminPassword}`),
    /the command lines hold a secret/,
  ],
  'a password in the log of the database': [
    inService(
      "INSERT INTO orch.log (run_id, action, outcome, duration_ms, host, orch_version, message) VALUES (gen_random_uuid(), 'x', 'y', 1, 'h', '1', 'owner-canary-7f3a')",
    ),
    /the ledger of api-a hold a secret/,
  ],
};

// An oracle that says yes to everything is no proof: each thing that it is to see is laid before it once. Not where one
// injection is made again.
test.skipIf(process.env.ORCH_FAULT_SEED).each(Object.keys(leftovers))(
  'the oracle sees what a fault leaves behind: %s',
  async (name) => {
    const [leave, says] = leftovers[name] ?? [];
    const stage = await cleanStage();
    expect(await judge(stage)).toEqual({ lost: [], doubled: [], wrong: [] });
    await leave?.(stage);
    const { lost, doubled, wrong } = await judge(stage, 300);
    const said = [...lost.map((text) => `lost: ${text}`), ...doubled.map((text) => `doubled: ${text}`), ...wrong];
    expect(said.join('\n')).toMatch(says ?? /nothing/);
  },
);

const good = `✖ api: it failed\n\n  now:   nothing was applied\n  next:  orch migrate\n`;

test.skipIf(process.env.ORCH_FAULT_SEED).each<[string, number | null, string, RegExp | undefined]>([
  ['as it must be', 8, good, undefined],
  ['with another exit code', 1, good, /it ended with 1/],
  ['by a signal', null, good, /it ended with SIGSEGV/],
  ['without the words of the row', 8, good.replace('failed', 'died'), /8 without/],
  ['without the state', 8, good.replace('now:', 'and:'), /without what happened, the state and the next command/],
  ['without the next command', 8, good.replace('orch migrate', 'good luck'), /names no command/],
  ['by SIGTERM, without the next command', 143, 'it failed: Interrupted after 1 s', /names no command/],
  ['with a stack trace', 8, `${good}    at run (main.js:1:1)`, /a stack trace/],
])('the oracle judges how a run ended: %s', (_how, code, stderr, says) => {
  const ended = { code, signal: code === null ? ('SIGSEGV' as const) : null, stdout: '', stderr, output: stderr };
  const said = judgeEnd({ 8: [/it failed/], 143: [/it failed/] }, ended).join('\n');
  if (says === undefined) expect(said).toBe('');
  else expect(said).toMatch(says);
});
