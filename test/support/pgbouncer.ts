import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { PostgresAddress } from './postgres.ts';

/** Why a test that needs PgBouncer can't run here; undefined: it can. Debian puts it where only root's path leads. */
export const noPgBouncer: string | undefined =
  spawnSync('pgbouncer', ['--version'], { env: { PATH: searchPath() } }).error === undefined
    ? undefined
    : 'pgbouncer is not installed (apt-get install pgbouncer)';

function searchPath(): string {
  return `${process.env.PATH ?? ''}:/usr/sbin`;
}

export interface PgBouncer {
  readonly port: number;
  /** Ends it, and with it the sessions that it keeps open to the server. */
  stop(): Promise<void>;
}

/** A real PgBouncer before the server, on a port of its own, that lets everybody log in as themselves; ends with the test. */
export async function startPgBouncer(
  postgres: PostgresAddress,
  options: {
    readonly mode: 'transaction' | 'statement' | 'session';
    readonly users: Readonly<Record<string, string>>;
    readonly settings?: string;
  },
): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-pgbouncer-'));
  const port = await freePort();
  const users = { [postgres.adminRole]: postgres.adminPassword, ...options.users };
  await writeFile(
    join(folder, 'users.txt'),
    Object.entries(users)
      .map(([name, password]) => `"${name}" "${password}"\n`)
      .join(''),
  );
  await writeFile(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${postgres.host} port=${postgres.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(folder, 'users.txt')}
pool_mode = ${options.mode}
${options.settings ?? ''}
`,
  );
  await chmod(folder, 0o755);
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('pgbouncer', [...user, join(folder, 'pgbouncer.ini')], {
    env: { PATH: searchPath() },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  onTestFinished(async () => {
    await stop(child);
    await rm(folder, { recursive: true, force: true });
  });
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended with ${child.exitCode}:\n${log}`);
  }
  return { port, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const accepted = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => setTimeout(() => resolve(false), 20));
  });
  socket.destroy();
  return accepted;
}
