import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { inject } from 'vitest';
import { takePort } from './compose-toys.ts';
import { docker, removeProject } from './docker.ts';
import { type Ended, orch, type RunningOrch, startOrch } from './orch.ts';
import { sampleServices } from './sample-images.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

type SampleService = (typeof sampleServices)[number];

/** A container as `docker inspect` shows it. */
export interface SampleContainer {
  readonly id: string;
  readonly state: string;
  readonly health: string | undefined;
  readonly exitCode: number;
  /** RFC 3339, the engine's clock; they compare as text after `Date.parse`. */
  readonly startedAt: string;
  readonly finishedAt: string;
}

export interface CliEnded {
  readonly code: number;
  readonly output: string;
}

/** The project's own config, services and compose files in a folder, under a Compose project and ports of its own. */
export interface SampleSystem {
  readonly name: string;
  readonly folder: string;
  readonly ports: Readonly<Record<SampleService | 'postgres', number>>;
  readonly env: Readonly<Record<string, string>>;
  /** `docker compose -f compose/compose.yaml ARGS`; never rejects. */
  compose(args: readonly string[], options?: ComposeOptions): Promise<CliEnded>;
  /** The built program in the folder, with the Compose runtime. */
  orch(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  startOrch(args: readonly string[], env?: Readonly<Record<string, string>>): RunningOrch;
  /** By Compose service. */
  containers(): Promise<Readonly<Record<string, SampleContainer>>>;
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
  delete(file: string): Promise<void>;
  /** Changes a file; throws where the text is not in it. */
  replace(file: string, from: string, to: string): Promise<void>;
  /** What `GET /health` answers; undefined: nobody does. */
  health(
    service: SampleService,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> } | undefined>;
  /** As superuser. */
  sql(database: string, text: string): Promise<readonly Record<string, unknown>[]>;
  /** Removes containers, networks, volumes, images and the folder. */
  remove(): Promise<void>;
}

interface ComposeOptions {
  /** More compose files, relative to the folder, behind `compose/compose.yaml`. */
  readonly files?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Makes the copy; starts nothing. The images are those of the global set-up, so that no test builds them anew. */
export async function createSampleSystem(): Promise<SampleSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-sample-'));
  for (const entry of ['orchestrator.config.yaml', 'compose', 'services']) {
    await cp(join(root, entry), join(folder, entry), { recursive: true });
  }
  const name = `orchtest-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const images = inject('sampleImages');
  for (const [service, image] of Object.entries(images.services)) await docker(['tag', image, `${name}-${service}`]);
  const ports = await freePorts();
  const env = environmentOf(name, images.orchestrator, ports);
  const fileOf = (file: string): string => join(folder, file);
  const sample: SampleSystem = {
    name,
    folder,
    ports,
    env,
    compose: (args, options = {}) => runCompose(folder, { ...env, ...options.env }, options.files ?? [], args),
    orch: (args, more) => orch([...args], { cwd: folder, env: { ...env, ...more } }),
    startOrch: (args, more) => startOrch([...args], { cwd: folder, env: { ...env, ...more } }),
    containers: () => containersOf(name),
    read: (file) => readFile(fileOf(file), 'utf8'),
    write: (file, text) => writeFile(fileOf(file), text),
    delete: (file) => rm(fileOf(file)),
    replace: async (file, from, to) => {
      const text = await sample.read(file);
      if (!text.includes(from)) throw new Error(`${file} does not have ${JSON.stringify(from)}`);
      await sample.write(
        file,
        text.replace(from, () => to),
      );
    },
    health: (service) => askHealth(ports[service]),
    sql: async (database, text) => {
      const password = (await sample.read('compose/secrets/postgres_password')).trimEnd();
      return runSql(ports.postgres, password, database, text);
    },
    remove: async () => {
      await removeProject(name);
      const tags = sampleServices.map((service) => `${name}-${service}`);
      await docker(['rmi', '--force', ...tags]).catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return sample;
}

async function freePorts(): Promise<SampleSystem['ports']> {
  // All are held before the first is given back: none can come twice.
  const held = await Promise.all([takePort(), takePort(), takePort(), takePort()]);
  await Promise.all(held.map((port) => port.release()));
  const [postgres = 0, auth = 0, user = 0, admin = 0] = held.map(({ port }) => port);
  return { postgres, 'api-auth': auth, 'api-user': user, 'api-admin': admin };
}

function environmentOf(name: string, image: string, ports: SampleSystem['ports']): Record<string, string> {
  const { DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, XDG_RUNTIME_DIR } = process.env;
  const engine = { DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, XDG_RUNTIME_DIR };
  const set = Object.entries(engine).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    ...Object.fromEntries(set),
    COMPOSE_PROJECT_NAME: name,
    ORCH_IMAGE: image,
    ORCH_RUNTIME: 'compose',
    ORCH_POSTGRES_PORT: String(ports.postgres),
    API_AUTH_PORT: String(ports['api-auth']),
    API_USER_PORT: String(ports['api-user']),
    API_ADMIN_PORT: String(ports['api-admin']),
  };
}

function runCompose(
  folder: string,
  env: Readonly<Record<string, string>>,
  more: readonly string[],
  args: readonly string[],
): Promise<CliEnded> {
  const files = ['compose/compose.yaml', ...more].flatMap((file) => ['-f', file]);
  const { PATH = '', HOME = '' } = process.env;
  const options = { cwd: folder, env: { PATH, HOME, COMPOSE_PROGRESS: 'plain', ...env }, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile('docker', ['compose', ...files, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

async function containersOf(project: string): Promise<Record<string, SampleContainer>> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`];
  const ids = (await docker(['ps', '--all', '--quiet', '--no-trunc', ...filter])).split('\n').filter((id) => id !== '');
  if (ids.length === 0) return {};
  return Object.fromEntries((JSON.parse(await docker(['inspect', ...ids])) as Inspected[]).map(describe));
}

interface Inspected {
  readonly Id: string;
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: { readonly Status: string };
  };
}

function describe({ Id, Config, State }: Inspected): [string, SampleContainer] {
  const { Status: state, ExitCode: exitCode, StartedAt: startedAt, FinishedAt: finishedAt } = State;
  const health = State.Health?.Status;
  return [
    Config.Labels['com.docker.compose.service'] ?? Id,
    { id: Id, state, health, exitCode, startedAt, finishedAt },
  ];
}

async function askHealth(port: number): ReturnType<SampleSystem['health']> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(10_000) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  } catch {
    return undefined;
  }
}

async function runSql(
  port: number,
  password: string,
  database: string,
  text: string,
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database });
  await client.connect();
  try {
    const { rows } = await client.query(text);
    return rows as readonly Record<string, unknown>[];
  } finally {
    await client.end();
  }
}
