/**
 * How long a dead orch keeps its lock, and how long a live one takes to notice that its server is gone:
 *   npx tsx test/bench/dead-peers.ts [runs]
 * Needs `npm run build:bundle`; the cut of the network needs Docker with pgvector/pgvector:pg17 and node:24-trixie-slim.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../support/embedded-postgres.ts';

const runs = Number(process.argv[2] ?? 10);
const password = 'bench';
const folder = mkdtempSync(join(tmpdir(), 'orch-dead-'));
const main = resolve('dist/main.js');

function writeProject(host: string, port: number): void {
  mkdirSync(join(folder, 'api/revisions'), { recursive: true });
  const url = `postgresql://postgres:${password}@${host}:${port}/postgres?sslmode=disable`;
  writeFileSync(
    join(folder, 'orchestrator.config.yaml'),
    `project: dead\nservers: { main: { url: '${url}' } }\nservices: [api/service.yaml]\n`,
  );
  writeFileSync(
    join(folder, 'api/service.yaml'),
    `name: api\ndatabase: deadb\nowner: { role: postgres, password: ${password} }\n`,
  );
  writeFileSync(join(folder, 'api/revisions/001_a.up.sql'), 'SELECT pg_sleep(600);');
}

const SLEEPS = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
const LOCKS = "SELECT FROM pg_locks WHERE locktype = 'advisory'";

async function until(holds: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await holds()));
  return (performance.now() - began) / 1_000;
}

function tell(what: string, seconds: number[]): void {
  const sorted = seconds.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]?.toFixed(1);
  process.stdout.write(`${what}: ${sorted.length} runs, median ${median} s, worst ${sorted.at(-1)?.toFixed(1)} s\n`);
}

const postgres = await startEmbeddedPostgres({ adminPassword: password });
const admin = new pg.Client({ ...postgres, user: 'postgres', password, database: 'postgres' });
await admin.connect();
const count = async (sql: string): Promise<number> => (await admin.query(sql)).rowCount ?? 0;

const killed: number[] = [];
writeProject('127.0.0.1', postgres.port);
for (let run = 0; run < runs; run += 1) {
  const orch = spawn(process.execPath, [main, 'migrate'], { cwd: folder, stdio: 'ignore' });
  await until(async () => (await count(SLEEPS)) > 0);
  orch.kill('SIGKILL');
  killed.push(await until(async () => (await count(LOCKS)) === 0));
}
tell('SIGKILL in a long statement, until the lock is free', killed);

const sockets = new Set<Socket>();
const forwarder = createServer((client) => {
  const server = connect(postgres.port, '127.0.0.1');
  for (const socket of [client, server]) {
    sockets.add(socket);
    socket.on('error', () => undefined);
  }
  client.pipe(server).pipe(client);
}).listen(0, '127.0.0.1');
await once(forwarder, 'listening');
const noticed: number[] = [];
for (let run = 0; run < Math.min(runs, 3); run += 1) {
  writeProject('127.0.0.1', (forwarder.address() as AddressInfo).port);
  const stall = (client: Socket): unknown => client.pause();
  const orch = spawn(process.execPath, [main, 'migrate'], { cwd: folder, stdio: 'ignore' });
  const ended = once(orch, 'exit');
  await until(async () => (await count(SLEEPS)) > 0);
  const began = performance.now();
  for (const socket of sockets) {
    socket.unpipe();
    socket.pause();
  }
  forwarder.prependListener('connection', stall);
  forwarder.on('connection', (client: Socket) => void client.unpipe());
  await ended;
  noticed.push((performance.now() - began) / 1_000);
  forwarder.removeListener('connection', stall);
  forwarder.removeAllListeners('connection');
  forwarder.on('connection', (client: Socket) => {
    const server = connect(postgres.port, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.pipe(server).pipe(client);
  });
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await until(async () => (await count(LOCKS)) === 0);
}
tell('a black-holed server in a long statement, until orch has ended', noticed);
forwarder.close();
await admin.end();
await postgres.stop();

if (spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0) {
  const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();
  const name = `orch-dead-${process.pid}`;
  docker('network', 'create', '--internal', name);
  docker(
    'run',
    '-d',
    '--rm',
    '--name',
    `${name}-pg`,
    '--network',
    name,
    '-e',
    `POSTGRES_PASSWORD=${password}`,
    'pgvector/pgvector:pg17',
  );
  const psql = (sql: string): number =>
    Number(
      spawnSync(
        'docker',
        [
          'exec',
          `${name}-pg`,
          'psql',
          '-h',
          '127.0.0.1',
          '-U',
          'postgres',
          '-tAc',
          `SELECT count(*) FROM (${sql.replace('SELECT FROM', 'SELECT 1 FROM')}) AS s`,
        ],
        {
          encoding: 'utf8',
        },
      ).stdout || -1,
    );
  await until(async () => psql(LOCKS) === 0);
  writeProject(`${name}-pg`, 5432);
  const cut: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const id = docker(
      'run',
      '-d',
      '--rm',
      '--network',
      name,
      '-v',
      `${folder}:/p`,
      '-v',
      `${resolve('dist')}:/d:ro`,
      '-w',
      '/p',
      'node:24-trixie-slim',
      'node',
      '/d/main.js',
      'migrate',
    );
    await until(async () => psql(SLEEPS) > 0);
    docker('network', 'disconnect', name, id);
    cut.push(await until(async () => psql(LOCKS) === 0));
    docker('rm', '-f', id);
  }
  tell("the client's network cut (docker network disconnect) in a long statement, until the lock is free", cut);
  docker('rm', '-f', `${name}-pg`);
  docker('network', 'rm', name);
}
rmSync(folder, { recursive: true, force: true });
