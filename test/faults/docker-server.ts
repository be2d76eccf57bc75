import { docker } from '../support/docker.ts';
import { freePort, until } from '../support/local-service.ts';
import type { PostgresAddress, TestPostgres } from '../support/postgres.ts';
import { runAsAdmin } from '../support/test-database.ts';

/** PostgreSQL in a container of the suite's own, which is killed, restarted and cut off; one a worker. */
let running: Promise<{ readonly name: string; readonly postgres: TestPostgres }> | undefined;

export async function dockerServer(): Promise<TestPostgres> {
  running ??= start();
  return (await running).postgres;
}

async function start(): Promise<{ readonly name: string; readonly postgres: TestPostgres }> {
  const name = `orchtest-faults-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  // A port that stays the same over restarts.
  const port = await freePort();
  const password = 'admin secret';
  await docker([
    ...['run', '--detach', '--name', name, '--publish', `127.0.0.1:${port}:5432`],
    ...['--env', `POSTGRES_PASSWORD=${password}`, 'pgvector/pgvector:pg17'],
    // What is acknowledged is on disk: fsync stays on.
    ...['-c', 'max_connections=100'],
  ]);
  const place = { host: '127.0.0.1', port, adminRole: 'postgres', adminPassword: password } as const;
  const postgres = { ...place, hasVector: true, kind: 'docker', stop: async () => undefined } as const;
  await untilServes(postgres);
  return { name, postgres };
}

/** The image starts a first server on the Unix socket alone: what answers over TCP is the real one. */
export async function untilServes(postgres: PostgresAddress): Promise<void> {
  await until('PostgreSQL serves', () =>
    runAsAdmin(postgres, 'SELECT 1').then(
      () => true,
      () => false,
    ),
  );
}

export async function containerName(): Promise<string> {
  if (running === undefined) throw new Error('there is no server in a container');
  return (await running).name;
}

/** For `afterAll`. */
export async function removeDockerServer(): Promise<void> {
  if (running !== undefined) await docker(['rm', '--force', '--volumes', await containerName()]);
  running = undefined;
}
