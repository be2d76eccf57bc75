import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findOwner, takeLock } from '../../src/adapters/local/holder-lock.ts';
import { localPaths } from '../../src/adapters/local/paths.ts';
import { findProcess } from '../../src/adapters/local/process-identity.ts';
import { createLocalRuntime, type LocalRuntime } from '../../src/adapters/local/runtime.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { Service } from '../../src/core/project.ts';
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

const { signal } = new AbortController();
const root = fileURLToPath(new URL('../..', import.meta.url));
const holderScript = fileURLToPath(new URL('../support/local-holder.ts', import.meta.url));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let auth: Service;
const holders = new Set<ChildProcess>();
const runtimes = new Set<LocalRuntime>();
const troubles: string[] = [];

function open(stays: boolean, lockWait = 20_000): LocalRuntime {
  const project = localProject(folder.path, [auth]);
  const runtime = createLocalRuntime({
    project: { ...project, policies: { ...project.policies, lockWait } },
    environment: { PATH: dirname(process.execPath) },
    clock: systemClock,
    pid: process.pid,
    stays,
    onTrouble: (message) => void troubles.push(message),
  });
  runtimes.add(runtime);
  return runtime;
}

/** An `up` in a process of its own that has everything running. */
async function startHolder(): Promise<{ readonly process: ChildProcess; output(): string }> {
  const holder = spawn(
    process.execPath,
    ['--import', 'tsx', holderScript, JSON.stringify(localProject(folder.path, [auth]))],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  holders.add(holder);
  let output = '';
  holder.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  await until('the holder holds', () => output.includes('holding true'));
  return { process: holder, output: () => output };
}

async function kill(holder: ChildProcess): Promise<void> {
  const ended = once(holder, 'exit');
  holder.kill('SIGKILL');
  await ended;
}

async function sql(runtime: LocalRuntime, text: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ ...runtime.locate(auth), user: 'auth_owner', database: 'authdb' });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  folder = await temporaryFolder();
  const port = await freePort();
  auth = localService(folder.path, 'auth', { health: { url: `http://127.0.0.1:${port}/health`, timeout: 15_000 } });
  const command = await writeScript(auth, healthyScript);
  auth = { ...auth, local: { command, environment: {}, port } };
});

afterEach(async () => {
  for (const runtime of runtimes) await runtime.close();
  runtimes.clear();
  for (const holder of holders) if (holder.exitCode === null && holder.signalCode === null) await kill(holder);
  holders.clear();
});

afterAll(async () => {
  // A holder that a failed test killed may have left its service.
  const runtime = open(true);
  await runtime.startServer(localServer, [], signal);
  await runtime.close();
  await folder?.remove();
});

describe('a holder that is killed', () => {
  test('loses no committed data; the next one ends the service that it left behind and takes over', async () => {
    const { process: holder } = await startHolder();
    const guest = open(false);
    await guest.startServer(localServer, [auth], signal);
    await guest.waitHealthy(auth, signal);
    await sql(guest, 'DROP TABLE IF EXISTS kept; CREATE TABLE kept (x int); INSERT INTO kept VALUES (1)');
    const pid = Number((await guest.observe([auth], { rebuild: false })).get('auth')?.id);
    await kill(holder);
    expect(await findProcess(pid)).toBeDefined();
    expect(await findOwner(localPaths(folder.path).locks)).toBeUndefined();

    const next = open(true);
    expect(await next.startServer(localServer, [auth], signal)).toBe('started');
    expect(await findProcess(pid)).toBeUndefined();
    expect(await sql(next, 'SELECT x FROM kept')).toEqual([{ x: 1 }]);
    await next.startService(auth, 'create', signal);
    await next.waitHealthy(auth, signal);
    expect(next.holds).toBe(true);
  });

  test('is noticed by a process that worked through it, which then holds itself', async () => {
    const { process: holder } = await startHolder();
    const guest = open(false);
    await guest.startServer(localServer, [auth], signal);
    await kill(holder);
    expect(await guest.startServer(localServer, [auth], signal)).toBe('started');
    expect(await sql(guest, 'SELECT 1 AS x')).toEqual([{ x: 1 }]);
  });

  test('with a state that cannot be read is taken over all the same, and said so', async () => {
    const { process: holder } = await startHolder();
    const { state } = localPaths(folder.path);
    const { services } = JSON.parse(await readFile(state, 'utf8')) as { services: { process: { pid: number } }[] };
    await kill(holder);
    for (const { process: service } of services) process.kill(service.pid, 'SIGKILL');
    await writeFile(state, '{"format": 1, "holder"');
    troubles.length = 0;
    const next = open(true);
    expect(await next.startServer(localServer, [auth], signal)).toBe('started');
    expect(troubles.join()).toContain('state.json of an earlier run cannot be read');
  });
});

describe('the place of the holder', () => {
  test('down from another process ends the one that holds, with what it runs, and keeps the data', async () => {
    const { process: holder, output } = await startHolder();
    const ended = once(holder, 'exit');
    const guest = open(false);
    await guest.startServer(localServer, [auth], signal);
    const pid = Number((await guest.observe([auth], { rebuild: false })).get('auth')?.id);
    expect(await guest.down([auth], { volumes: false })).toEqual(['auth', 'authdb']);
    expect(await ended).toEqual([0, null]);
    expect(output()).toContain('gone');
    expect(await findProcess(pid)).toBeUndefined();
    const next = open(false);
    await next.startServer(localServer, [auth], signal);
    expect(await sql(next, "SELECT to_regclass('kept') IS NOT NULL AS there")).toEqual([{ there: true }]);
  });

  test('down with volumes deletes the data', async () => {
    const first = open(false);
    await first.startServer(localServer, [auth], signal);
    await first.close();
    const second = open(false);
    expect(await second.down([auth], { volumes: true })).toEqual([]);
    await second.close();
    expect(await readdir(localPaths(folder.path).data)).toEqual(['.lock']);
  });

  test('is waited for where a short command has it, and told where it takes too long', async () => {
    const first = open(false);
    await first.startServer(localServer, [auth], signal);
    await expect(open(false, 200).startServer(localServer, [auth], signal)).rejects.toMatchObject({
      code: 'local-state-locked',
      details: { pid: process.pid },
    });
    const second = open(true);
    const waiting = second.startServer(localServer, [auth], signal);
    await first.close();
    expect(await waiting).toBe('started');
    expect(second.holds).toBe(true);
  });

  test('is given to one of twenty that find a stale lock at once', async () => {
    const own = await temporaryFolder();
    const locks = join(own.path, 'lock');
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    await mkdir(locks);
    await writeFile(join(locks, '7'), JSON.stringify({ process: { pid: dead.pid, started: 'long ago' }, stays: true }));
    const results = await Promise.all(Array.from({ length: 20 }, () => takeLock(locks, process.pid, true)));
    expect(results.filter((result) => 'release' in result).length).toBe(1);
    await own.remove();
  });

  test('is free again where the process number belongs to another process by now', async () => {
    const own = await temporaryFolder();
    const locks = join(own.path, 'lock');
    await mkdir(locks);
    await writeFile(
      join(locks, '1'),
      JSON.stringify({ process: { pid: process.pid, started: 'before' }, stays: true }),
    );
    expect('release' in (await takeLock(locks, process.pid, true))).toBe(true);
    await own.remove();
  });

  test('cannot be taken in a folder that is a file, and that is told with the path', async () => {
    const own = await temporaryFolder();
    await writeFile(join(own.path, '.orch'), '');
    const project = localProject(own.path, []);
    const runtime = createLocalRuntime({ project, environment: {}, clock: systemClock, pid: process.pid, stays: true });
    await expect(runtime.startServer(localServer, [], signal)).rejects.toMatchObject({
      code: 'usage-invalid',
      details: { message: expect.stringContaining(join(own.path, '.orch')) },
    });
    await own.remove();
  });
});

describe('what a holder serves', () => {
  test('a service that ends by itself does not end the wait of the one that holds', async () => {
    const runtime = open(true);
    await runtime.startServer(localServer, [auth], signal);
    await runtime.startService(auth, 'create', signal);
    await runtime.waitHealthy(auth, signal);
    const stop = new AbortController();
    const ended = runtime.untilEnded(stop.signal);
    process.kill(Number((await runtime.observe([auth], { rebuild: false })).get('auth')?.id), 'SIGKILL');
    const state = async () => (await runtime.observe([auth], { rebuild: false })).get('auth')?.state;
    await until('the service is seen as ended', async () => (await state()) === 'exited');
    stop.abort(new Error('still waiting'));
    await expect(ended).rejects.toThrow('still waiting');
  });

  test('the wait is rejected with the reason of an interruption', async () => {
    const runtime = open(true);
    await runtime.startServer(localServer, [], signal);
    const stop = new AbortController();
    const ended = runtime.untilEnded(stop.signal);
    stop.abort(new Error('interrupted'));
    await expect(ended).rejects.toThrow('interrupted');
  });

  test('a database whose data is damaged is told with what PostgreSQL says', async () => {
    const runtime = open(true);
    await runtime.startServer(localServer, [auth], signal);
    await runtime.close();
    const data = localPaths(folder.path).database('authdb');
    await writeFile(join(data, 'PG_VERSION'), '12\n');
    await expect(open(true).startServer(localServer, [auth], signal)).rejects.toMatchObject({
      code: 'server-unreachable',
      details: { database: 'authdb', probe: 'startup', reason: expect.stringMatching(/incompatible|version 12/) },
    });
    await chmod(data, 0o700);
  });
});
