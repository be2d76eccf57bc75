import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findProcess } from '../../src/adapters/local/process-identity.ts';
import { until } from '../support/local-service.ts';
import type { RunningOrch } from '../support/orch.ts';
import { copySample, type SampleProject, sampleServices } from '../support/sample-project.ts';

const READY = '3 services ready';
const heads = {
  'api-auth': '003_sessions',
  'api-user': '005_full_name_index',
  'api-admin': '003_seed_default_prompt_templates',
};

/** One copy of the sample for all: the tests are one journey, each goes on where the last one ended. */
let sample: SampleProject;
let holder: RunningOrch;

beforeAll(async () => {
  sample = await copySample();
  holder = sample.start('up');
  await holder.said(READY);
});

afterAll(() => sample?.remove());

async function expectNobodyListens(): Promise<void> {
  for (const service of sampleServices) expect((await sample.health(service)).status, service).toBe(0);
}

/** The status of registering (`users`) or logging in (`sessions`). */
async function post(path: 'users' | 'sessions', email: string): Promise<number> {
  const { status } = await fetch(`http://127.0.0.1:${sample.ports['api-auth']}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: 'a password that is long' }),
  });
  return status;
}

/** Process numbers of the services, from the holder's state file. */
async function readPids(): Promise<Record<string, number>> {
  const state = JSON.parse(await readFile(join(sample.folder, '.orch', 'local', 'state.json'), 'utf8')) as {
    services: { service: string; process: { pid: number } }[];
  };
  return Object.fromEntries(state.services.map(({ service, process: { pid } }) => [service, pid]));
}

/** A zombie is gone too: where process 1 collects nobody, as in many a container, an orphan stays listed for good. */
async function expectGone(pids: Readonly<Record<string, number>>): Promise<void> {
  const found = await Promise.all(Object.values(pids).map((pid) => findProcess(pid)));
  expect(found.filter((process) => process !== undefined)).toEqual([]);
}

describe('up in one terminal', () => {
  test('brings the three services from nothing to answering, says once what PGlite cannot and that the server is ready', async () => {
    for (const service of sampleServices) {
      const { status, body } = await sample.health(service);
      expect(status).toBe(200);
      expect(body).toMatchObject({ status: 'ready', service, revision: heads[service] });
    }
    const output = holder.output();
    expect(output.match(/PGlite: one session a database/g)).toHaveLength(1);
    expect(output.match(/^main {2}ready/gm)).toHaveLength(1);
    for (const service of sampleServices) expect(output).toContain(`http://127.0.0.1:${sample.ports[service]}`);
  });
});

describe('another terminal, meanwhile', () => {
  test('up finds nothing to do, names the one that holds, and does not stay', async () => {
    const ended = await sample.run('up');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('Nothing to do: 3 services at head and running');
    expect(ended.stderr).toContain(`held by another orch (pid ${holder.child.pid})`);
    expect(ended.stderr).not.toContain('PGlite: one session');
  });

  test('status, current and plan tell what is there', async () => {
    const status = await sample.run('status');
    expect(status.code).toBe(0);
    const current = await sample.run('current');
    expect(current.code).toBe(0);
    for (const service of sampleServices) {
      expect(status.stdout).toMatch(new RegExp(`${service} .*${heads[service]} .*none .*running \\(healthy\\)`));
      expect(current.stdout).toMatch(new RegExp(`${service} .*${heads[service]}`));
    }
    const plan = await sample.run('plan');
    expect(plan.code).toBe(0);
    expect(plan.stdout).toContain('Nothing to do');
  });

  test('a new revision is pending for status (exit 3), in the plan, and applied by migrate', async () => {
    await sample.write('services/api-auth/revisions/004_notes.up.sql', 'CREATE TABLE notes (text text);');
    const status = await sample.run('status');
    expect(status.code).toBe(3);
    expect(status.stdout).toContain('004_notes');
    const plan = await sample.run('plan');
    expect(plan.code).toBe(0);
    expect(plan.stdout).toMatch(/api-auth .*004_notes.*pending/);
    const migrate = await sample.run('migrate');
    expect(migrate.code).toBe(0);
    expect(migrate.stdout).toMatch(/api-auth .*004_notes .*1 revision applied/);
    expect((await sample.run('status')).code).toBe(0);
    expect((await sample.health('api-auth')).body).toMatchObject({ revision: '004_notes' });
  });

  test('five migrates at once: one applies, the others wait and find nothing to do', async () => {
    await sample.write('services/api-admin/revisions/004_notes.up.sql', 'CREATE TABLE notes (text text);');
    const runs = await Promise.all(Array.from({ length: 5 }, () => sample.run('migrate')));
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(runs.filter(({ stdout }) => stdout.includes('1 revision applied'))).toHaveLength(1);
    expect(runs.filter(({ stdout }) => stdout.includes('Nothing to do'))).toHaveLength(4);
  });

  test('logs prints what the services wrote', async () => {
    const ended = await sample.run('logs', 'api-user', '--tail', '1');
    expect(ended).toMatchObject({
      code: 0,
      stdout: `api-user | api-user listens on http://127.0.0.1:${sample.ports['api-user']}\n`,
    });
  });

  test('logs --follow goes on until it is interrupted', async () => {
    const follow = sample.start('logs', '--follow', '--tail', '0', 'api-auth');
    // Nothing is said yet: the first line of the run says that it has begun.
    await follow.said('orch logs');
    expect((await sample.run('reset', 'authdb', '--yes')).code).toBe(0);
    await follow.said('api-auth | SIGTERM: stopping');
    follow.child.kill('SIGINT');
    expect((await follow.ended).code).toBe(0);
  });

  test('reset by the name of the database empties it, restarts its service, and leaves the others alone', async () => {
    expect(await post('users', 'lost@example.org')).toBe(201);
    const before = await readPids();
    const ended = await sample.run('reset', 'authdb', '--yes');
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('The database authdb will be dropped');
    expect(ended.stdout).toMatch(/api-auth .*004_notes .*started/);
    const after = await readPids();
    expect(after['api-auth']).not.toBe(before['api-auth']);
    expect([after['api-user'], after['api-admin']]).toEqual([before['api-user'], before['api-admin']]);
    expect(await post('sessions', 'lost@example.org')).toBe(401);
    expect(holder.child.exitCode).toBeNull();
  });

  test('a service that ends by itself is told by the first one, the others stay, and up starts it again', async () => {
    const { 'api-user': pid = 0 } = await readPids();
    process.kill(pid, 'SIGKILL');
    await holder.said(/api-user {2}service {2}ended by SIGKILL {2}orch logs api-user/);
    expect((await sample.health('api-auth')).status).toBe(200);
    const ended = await sample.run('up');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/api-user .*started/);
    expect((await sample.health('api-user')).status).toBe(200);
  });

  test('down ends the first one, which says calmly what it stopped and exits with 0', async () => {
    const down = await sample.run('down');
    expect(down.code).toBe(0);
    for (const service of sampleServices) expect(down.stdout).toContain(service);
    const ended = await holder.ended;
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.stdout).toContain('Stopped: api-auth, api-user, api-admin.');
    await expectNobodyListens();
    expect((await sample.run('down')).stdout).toContain('Nothing was running.');
  });
});

describe.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s while all is up', (signal) => {
  test('stops everything, calmly and with 0; the data is there at the next up', async () => {
    holder = sample.start('up');
    await holder.said(READY);
    expect(await post('users', `${signal}@example.org`)).toBe(201);
    const pids = await readPids();
    holder.child.kill(signal);
    const ended = await holder.ended;
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.stderr).toContain('the data is kept');
    expect(ended.stderr).not.toContain('interrupted');
    expect(ended.stdout).toContain('Stopped: api-auth, api-user, api-admin.');
    await expectGone(pids);

    holder = sample.start('up');
    await holder.said(READY);
    expect(holder.output()).not.toContain('applied');
    expect(await post('sessions', `${signal}@example.org`)).toBe(201);
    expect((await sample.run('down')).code).toBe(0);
  });
});

test('SIGKILL of the one that holds: up again ends what it left behind and has all that was committed', async () => {
  holder = sample.start('up');
  await holder.said(READY);
  expect(await post('users', 'killed@example.org')).toBe(201);
  const orphans = await readPids();
  holder.child.kill('SIGKILL');
  await holder.ended;

  holder = sample.start('up');
  await holder.said(READY);
  const pids = await readPids();
  for (const service of sampleServices) expect(pids[service]).not.toBe(orphans[service]);
  await expectGone(orphans);
  expect(await post('sessions', 'killed@example.org')).toBe(201);
  expect((await sample.run('down')).code).toBe(0);
});

test('SIGINT while a revision runs ends with 130, rolls it back, and leaves no service behind', async () => {
  await sample.write('services/api-user/revisions/006_slow.up.sql', 'CREATE TABLE slow (x int); SELECT pg_sleep(1);');
  holder = sample.start('up', '--output', 'json');
  await holder.said(/"type":"step-started"[^\n]*"revision":"006_slow"/);
  holder.child.kill('SIGINT');
  const ended = await holder.ended;
  expect(ended).toMatchObject({ code: 130, signal: null });
  expect(ended.stdout).toMatch(/"type":"stop-requested",[^\n]*"during":"work"/);
  await expectNobodyListens();
  const current = await sample.run('current');
  expect(current.stdout).toMatch(/api-user .*005_full_name_index/);
});

test('migrate while nothing runs opens the databases, migrates them, and lets go of them', async () => {
  await sample.write('services/api-user/revisions/006_slow.up.sql', 'CREATE TABLE slow (x int);');
  const migrate = await sample.run('migrate');
  expect(migrate.code).toBe(0);
  expect(migrate.stdout).toMatch(/api-user .*006_slow .*1 revision applied/);
  expect(existsSync(join(sample.folder, '.orch', 'local', 'state.json'))).toBe(false);
  expect((await sample.run('migrate')).stdout).toContain('Nothing to do: 3 databases at head');
  await expectNobodyListens();
});

test('services that crash or whose port is taken: log and port are in the message, the others stay up, exit code 11', async () => {
  await sample.write('services/api-user/src/main.ts', "console.error('boom: no such setting'); process.exit(7);\n");
  const taken = createServer((_request, response) => void response.writeHead(418).end());
  await new Promise<void>((resolve) => void taken.listen(sample.ports['api-admin'], '127.0.0.1', resolve));
  onTestFinished(() => void taken.close());
  holder = sample.start('up');
  await holder.said('1 of 3 services done, 2 failures');
  await holder.said('orch up api-user');
  await holder.said('orch up api-admin');
  const output = holder.output();
  expect(output).toMatch(
    /api-user could not be started: its process ended with exit code 7\n {2}\| boom: no such setting\n/,
  );
  expect(output).toContain(`127.0.0.1:${sample.ports['api-admin']} is taken by another program`);
  expect((await sample.health('api-auth')).status).toBe(200);
  expect(holder.child.exitCode).toBeNull();
  holder.child.kill('SIGINT');
  expect(await holder.ended).toMatchObject({ code: 11, signal: null });
  await until('nobody listens', async () => (await sample.health('api-auth')).status === 0);
});
