import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { orch, startOrch } from '../support/orch.ts';
import { type OwnServer, startOwnServer } from '../support/own-server.ts';

const revisions = { '001_a.up.sql': 'CREATE TABLE a ()' };

async function connect({ postgres }: OwnServer): Promise<pg.Client> {
  const { host, port, adminRole: user, adminPassword: password } = postgres;
  const client = new pg.Client({ host, port, user, password, database: 'own' });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

test('a standby is told for what it is before anything is done', async () => {
  const server = await startOwnServer({ files: { 'standby.signal': '' } }, revisions);
  const ended = await orch(['migrate'], { cwd: server.folder });
  expect(ended.code, ended.output).toBe(8);
  expect(ended.stderr).toMatch(/✖ api: the server of own at \S+ is a standby: it takes no changes/);
  expect(ended.stderr).toContain('name the primary; after a failover it is another');
});

test('a server that is made read-only in the middle of a run: that revision is rolled back, and it is said', async () => {
  const server = await startOwnServer({}, { '001_a.up.sql': 'CREATE TABLE a (); SELECT pg_advisory_lock(4711);' });
  const gate = await connect(server);
  await gate.query('SELECT pg_advisory_lock(4711)');
  const second = `export async function up(database) {
  await database.query('SELECT pg_advisory_xact_lock(4711)');
  await database.query('SET TRANSACTION READ ONLY');
  await database.query('CREATE TABLE b ()');
}`;
  await server.write('api/revisions/002_b.ts', second);
  const run = startOrch(['migrate', '-o', 'json'], { cwd: server.folder });
  const waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
  while ((await server.sql(waits)).length === 0);
  // What a failover or a full disk does to the sessions that there are: their next transactions take no writes.
  await server.sql('ALTER SYSTEM SET default_transaction_read_only = on');
  await server.sql('SELECT pg_reload_conf()');
  await gate.query('SELECT pg_advisory_unlock(4711)');
  const ended = await run.ended;
  expect(ended.code, ended.output).toBe(8);
  const last = JSON.parse(ended.stdout.trimEnd().split('\n').at(-1) ?? '');
  expect(last).toMatchObject({
    failures: [
      { code: 'server-not-writable', details: { why: 'read-only', during: expect.stringContaining('002_b') } },
    ],
    services: [{ applied: ['001_a'] }],
  });
});

test('a server without a free place is waited for', async () => {
  const server = await startOwnServer(
    { settings: { max_connections: '6', superuser_reserved_connections: '0' } },
    revisions,
  );
  const crowd = await Promise.all(Array.from({ length: 5 }, () => connect(server)));
  // orch needs two: the sixth is free, and then one of the crowd goes.
  const run = startOrch(['migrate'], { cwd: server.folder });
  await run.said(/sorry, too many clients already|remaining connection slots/);
  await crowd[0]?.end();
  await crowd[1]?.end();
  const ended = await run.ended;
  expect(ended.code, ended.output).toBe(0);
});

test('a server that never has a free place: told after readyTimeout, with who has them', async () => {
  const server = await startOwnServer(
    { settings: { max_connections: '5', superuser_reserved_connections: '0' } },
    revisions,
  );
  await Promise.all(Array.from({ length: 5 }, () => connect(server)));
  const ended = await orch(['migrate'], { cwd: server.folder });
  expect(ended.code, ended.output).toBe(8);
  expect(ended.stderr).toMatch(/server main: \S+ has no place for one more session \(53300\), waited \d/);
  expect(ended.stderr).toContain('FROM pg_stat_activity GROUP BY 1, 2');
  expect(ended.stderr).not.toContain('passwordFile');
});
