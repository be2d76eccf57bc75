import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findProcess } from '../../src/adapters/local/process-identity.ts';
import { createLocalRuntime, type LocalRuntime } from '../../src/adapters/local/runtime.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { Service } from '../../src/core/project.ts';
import type { LogLine } from '../../src/ports/runtime.ts';
import {
  freePort,
  healthyScript,
  localProject,
  localServer,
  localService,
  temporaryFolder,
  until,
  writeScript,
} from '../support/local-service.ts';

const environment = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
const { signal } = new AbortController();

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let runtime: LocalRuntime;
let auth: Service;
let user: Service;
const exits: string[] = [];

function open(stays: boolean): LocalRuntime {
  return createLocalRuntime({
    project: localProject(folder.path, [auth, user]),
    environment,
    clock: systemClock,
    pid: process.pid,
    stays,
    onServiceExited: (service, exitCode, by) => void exits.push(`${service} ${exitCode} ${by}`),
  });
}

async function sql(service: Service, text: string, from: LocalRuntime = runtime): Promise<readonly unknown[]> {
  const client = new pg.Client({ ...from.locate(service), user: service.owner.role, database: service.database });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function lines(service: Service, tail?: number): Promise<readonly LogLine[]> {
  const all: LogLine[] = [];
  for await (const line of runtime.logs([service], { follow: false, tail, signal })) all.push(line);
  return all;
}

beforeAll(async () => {
  folder = await temporaryFolder();
  const port = await freePort();
  const roles = [{ name: 'auth_app', password: undefined, access: 'none' }] as const;
  auth = localService(folder.path, 'auth', {
    roles,
    health: { url: `http://127.0.0.1:${port}/health`, timeout: 15_000 },
  });
  user = localService(folder.path, 'user');
  const command = await writeScript(auth, healthyScript);
  auth = { ...auth, local: { command, environment: { EXTRA: 'x' }, port } };
  runtime = open(true);
  expect(await runtime.startServer(localServer, [auth, user], signal)).toBe('started');
});

afterEach(async () => {
  await runtime.stopService(auth);
  await runtime.stopService(user);
  exits.length = 0;
});

afterAll(async () => {
  await runtime?.close();
  await folder?.remove();
});

describe('databases', () => {
  test('each service has one of its own, at an address that a restart keeps, with its data', async () => {
    const before = [runtime.locate(auth), runtime.locate(user)];
    expect(before[0]?.port).not.toBe(before[1]?.port);
    await sql(auth, 'CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS x');
    await runtime.close();
    runtime = open(true);
    await runtime.startServer(localServer, [auth, user], signal);
    expect([runtime.locate(auth), runtime.locate(user)]).toEqual(before);
    expect(await sql(auth, 'SELECT x FROM kept')).toEqual([{ x: 42 }]);
    await expect(sql(user, 'SELECT x FROM kept')).rejects.toMatchObject({ code: '42P01' });
  });

  test('are not started again where they run', async () => {
    expect(await runtime.startServer(localServer, [auth, user], signal)).toBe('running');
  });

  test('a reset empties one, at the same address and with the same roles, and leaves the others alone', async () => {
    const address = runtime.locate(auth);
    await sql(auth, 'CREATE TABLE IF NOT EXISTS goes (x int)');
    await sql(user, 'CREATE TABLE IF NOT EXISTS stays (x int)');
    await runtime.recreateDatabase(auth);
    expect(runtime.locate(auth)).toEqual(address);
    await expect(sql(auth, 'SELECT x FROM goes')).rejects.toMatchObject({ code: '42P01' });
    expect(
      await sql(auth, 'SELECT datdba::regrole::text AS o FROM pg_database WHERE datname = current_database()'),
    ).toEqual([{ o: 'auth_owner' }]);
    expect(
      await sql(auth, "SELECT rolname::text AS r, rolsuper AS s FROM pg_roles WHERE rolname = 'auth_app'"),
    ).toEqual([{ r: 'auth_app', s: false }]);
    expect(await sql(user, 'SELECT x FROM stays')).toEqual([]);
  });
});

describe('services', () => {
  test('a service runs in its folder with its own and few other variables, is healthy, and its output is kept', async () => {
    await runtime.startService(auth, 'create', signal);
    expect(await runtime.waitHealthy(auth, signal)).toEqual({ url: `http://127.0.0.1:${auth.local?.port}` });
    const observed = (await runtime.observe([auth, user], { rebuild: false })).get('auth');
    expect(observed).toMatchObject({ state: 'running', health: 'healthy', upToDate: true, imageMissing: false });
    const [first, second] = await lines(auth, 2);
    const told = JSON.parse(first?.text ?? '') as Record<string, unknown>;
    const address = runtime.locate(auth);
    expect(told).toMatchObject({
      PORT: String(auth.local?.port),
      HOST: '127.0.0.1',
      EXTRA: 'x',
      DATABASE_URL: `postgresql://auth_owner@127.0.0.1:${address?.port}/authdb`,
      keys: ['DATABASE_URL', 'EXTRA', 'HOST', 'PATH', 'PORT'],
    });
    expect([first?.stream, second]).toEqual(['stdout', { service: 'auth', stream: 'stderr', text: 'to stderr' }]);
    await runtime.stopService(auth);
    expect((await lines(auth, 1))[0]?.text).toBe('going');
    expect((await runtime.observe([auth], { rebuild: false })).get('auth')).toMatchObject({ state: 'absent' });
    expect(exits).toEqual([]);
  });

  test('a service without a command is left out of what is observed, and starting it does nothing', async () => {
    expect(await runtime.observe([user], { rebuild: false })).toEqual(new Map());
    await runtime.startService(user, 'create', signal);
    expect(await runtime.waitHealthy(user, signal)).toEqual({ url: undefined });
  });

  test('a changed command makes it not up to date, and recreate replaces the process', async () => {
    await runtime.startService(auth, 'create', signal);
    const changed = {
      ...auth,
      local: { command: ['node', 'main.mjs', 'again'], environment: {}, port: auth.local?.port },
    };
    const before = (await runtime.observe([changed], { rebuild: false })).get('auth');
    expect(before).toMatchObject({ state: 'running', upToDate: false });
    await runtime.startService(changed, 'recreate', signal);
    const after = (await runtime.observe([changed], { rebuild: false })).get('auth');
    expect(after).toMatchObject({ state: 'running', upToDate: true });
    expect(after?.id).not.toBe(before?.id);
  });

  test('a taken port is told with its address before anything is started', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(auth.local?.port, '0.0.0.0', resolve));
    await expect(runtime.startService(auth, 'create', signal)).rejects.toMatchObject({
      code: 'port-taken',
      details: { service: 'auth', address: `127.0.0.1:${auth.local?.port}` },
    });
    await new Promise<void>((resolve) => void other.close(() => resolve()));
  });

  test('a process that ends before it is healthy is told with its exit code and last words, and as an event', async () => {
    const command = ['node', '-e', "console.error('no such thing'); process.exit(7)"];
    const failing = { ...auth, local: { command, environment: {}, port: undefined } };
    await runtime.startService(failing, 'create', signal);
    await expect(runtime.waitHealthy(failing, signal)).rejects.toMatchObject({
      code: 'service-not-started',
      details: { reason: 'its process ended with exit code 7', logTail: expect.arrayContaining(['no such thing']) },
    });
    expect(exits).toEqual(['auth 7 undefined']);
  });

  test('a program that is not there is told as such', async () => {
    const missing = { ...auth, local: { command: ['nonesuch-program'], environment: {}, port: undefined } };
    await expect(runtime.startService(missing, 'create', signal)).rejects.toMatchObject({
      code: 'service-not-started',
      details: { reason: expect.stringContaining('ENOENT') },
    });
  });

  test('a service that is never ready is told with its last answer once its time is over', async () => {
    const url = `http://127.0.0.1:${auth.local?.port}/elsewhere`;
    const never = { ...auth, health: { url, timeout: 300 } };
    await runtime.startService(never, 'create', signal);
    await until('it answers', () =>
      fetch(url).then(
        () => true,
        () => false,
      ),
    );
    await expect(runtime.waitHealthy(never, signal)).rejects.toMatchObject({
      code: 'service-unhealthy',
      details: { state: 'running', url, lastAnswer: '404 Not Found', logTail: expect.arrayContaining(['to stderr']) },
    });
  });

  test('waiting for health ends at once when it is interrupted', async () => {
    const never = { ...auth, health: { url: `http://127.0.0.1:${auth.local?.port}/elsewhere`, timeout: 60_000 } };
    await runtime.startService(never, 'create', signal);
    const stop = new AbortController();
    const waiting = runtime.waitHealthy(never, stop.signal);
    stop.abort(new Error('interrupted'));
    await expect(waiting).rejects.toThrow('interrupted');
  });

  test('what a service started itself goes with it, even when it takes no SIGTERM', async () => {
    const script = `const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready')"], { stdio: ['ignore', 'inherit', 'inherit'] });
      console.log('child', child.pid);`;
    const parent = { ...user, local: { command: ['node', '-e', script], environment: {}, port: undefined } };
    await import('node:fs/promises').then(({ mkdir }) => mkdir(user.folder, { recursive: true }));
    await runtime.startService(parent, 'create', signal);
    await until('both run', async () => (await lines(parent)).some(({ text }) => text === 'ready'));
    const pid = Number(
      (await lines(parent)).map(({ text }) => /^child (\d+)/.exec(text)?.[1]).find((found) => found !== undefined),
    );
    expect(await findProcess(pid)).toBeDefined();
    await runtime.stopService(parent);
    await until('it is gone', async () => (await findProcess(pid)) === undefined);
  });

  test('following logs gives what is there, then what comes, until it is interrupted', async () => {
    await runtime.startService(auth, 'create', signal);
    await runtime.waitHealthy(auth, signal);
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const { text } of runtime.logs([auth, user], { follow: true, tail: 1, signal: stop.signal }))
        seen.push(text);
    })();
    await until('the tail came', () => seen.includes('to stderr'));
    await runtime.stopService(auth);
    await until('the new line came', () => seen.includes('going'));
    stop.abort();
    await following;
  });
});

describe('another orch process', () => {
  test('works through the one that holds, and does not hold', async () => {
    const guest = open(true);
    expect(runtime.holds).toBe(true);
    expect(await guest.startServer(localServer, [auth, user], signal)).toBe('running');
    expect(guest.holds).toBe(false);
    expect(guest.locate(auth)).toEqual(runtime.locate(auth));
    await guest.startService(auth, 'create', signal);
    await guest.waitHealthy(auth, signal);
    const seen = (await guest.observe([auth], { rebuild: false })).get('auth');
    expect(seen).toMatchObject({ state: 'running', health: 'healthy', upToDate: true });
    expect(seen).toEqual((await runtime.observe([auth], { rebuild: false })).get('auth'));
    await sql(auth, 'CREATE TABLE IF NOT EXISTS by_guest (x int)', guest);
    await guest.recreateDatabase(auth);
    await expect(sql(auth, 'SELECT x FROM by_guest', guest)).rejects.toMatchObject({ code: '42P01' });
    await guest.stopService(auth);
    await guest.close();
    expect(await sql(auth, 'SELECT 1 AS x')).toEqual([{ x: 1 }]);
  });

  test('has a throwaway database made and discarded, while the service of that name goes on running', async () => {
    const guest = open(false);
    const throwaway = { ...auth, database: 'orch_baseline_authdb' };
    await guest.startServer(localServer, [auth], signal);
    await guest.startService(auth, 'create', signal);
    await guest.waitHealthy(auth, signal);
    await guest.startServer(localServer, [throwaway], signal);
    await sql(throwaway, 'CREATE TABLE x (a int)', guest);
    await guest.discardDatabase(throwaway);
    expect(guest.locate(throwaway)).toBeUndefined();
    const local = join(folder.path, '.orch/local');
    const { readdir } = await import('node:fs/promises');
    expect((await readdir(local)).filter((name) => name.includes('orch_baseline'))).toEqual([]);
    expect(await readFile(join(local, '.ports.json'), 'utf8')).not.toContain('orch_baseline');
    expect((await guest.observe([auth], { rebuild: false })).get('auth')).toMatchObject({ health: 'healthy' });
    expect(await sql(auth, 'SELECT 1 AS x', guest)).toEqual([{ x: 1 }]);
    await guest.stopService(auth);
    await guest.close();
  });

  test('gets the very failure that the holder met', async () => {
    const guest = open(false);
    await runtime.startService(auth, 'create', signal);
    await runtime.waitHealthy(auth, signal);
    await expect(
      guest.startService(
        { ...user, local: { command: ['node'], environment: {}, port: auth.local?.port } },
        'create',
        signal,
      ),
    ).rejects.toMatchObject({
      code: 'port-taken',
    });
    await guest.close();
  });

  test('without the token is refused, and the token is for the user alone', async () => {
    const file = join(folder.path, '.orch/local/state.json');
    const { stat } = await import('node:fs/promises');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { control } = JSON.parse(await readFile(file, 'utf8')) as { control: { port: number } };
    const response = await fetch(`http://127.0.0.1:${control.port}/leave`, {
      method: 'POST',
      body: '[]',
      headers: { authorization: 'Bearer x' },
    });
    expect(response.status).toBe(401);
  });
});
