import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type FoundEngine, findEngine } from '../../src/adapters/compose/find-engine.ts';

const run = promisify(execFile);

/** Whether an engine answers here: for `describe.skipIf`, with the reason to print. */
export interface DockerSearch {
  readonly engine: FoundEngine | undefined;
  /** Why a suite is skipped; empty: it is not. */
  readonly reason: string;
}

/**
 * Looks for a Docker engine with Compose and these images; nothing is pulled.
 * @throws Error instead of an empty answer where ORCH_TEST_REQUIRE_DOCKER is set: there skipping is forbidden
 */
export async function findDocker(images: readonly string[] = []): Promise<DockerSearch> {
  const search = await searchDocker(images);
  if (search.engine === undefined && process.env.ORCH_TEST_REQUIRE_DOCKER) throw new Error(search.reason);
  return search;
}

async function searchDocker(images: readonly string[]): Promise<DockerSearch> {
  const { engine, tried } = await findEngine(process.env);
  if (engine === undefined) return { engine, reason: `no Docker engine answers (${tried.join('; ')})` };
  const compose = await docker(['compose', 'version', '--short']).catch(() => undefined);
  if (compose === undefined) return { engine: undefined, reason: 'docker compose does not answer' };
  for (const image of images) {
    const found = await docker(['image', 'inspect', image]).catch(() => undefined);
    if (found === undefined) return { engine: undefined, reason: `the image ${image} is not here` };
  }
  return { engine, reason: '' };
}

/** The Docker CLI's standard output, trimmed. Rejects where it fails. */
export async function docker(args: readonly string[]): Promise<string> {
  const { stdout } = await run('docker', [...args], { maxBuffer: 32 * 1024 * 1024 });
  return stdout.trim();
}

/** A Compose project of a test: a folder of its own and a project name that nobody else has. */
export interface ComposeFixture {
  readonly name: string;
  readonly folder: string;
  /** The compose file, absolute. */
  readonly file: string;
  write(compose: string, file?: string): Promise<void>;
  /** `docker compose ARGS` for this project. */
  compose(args: readonly string[]): Promise<string>;
  /** Ids and states of its containers, by Compose service. */
  containers(): Promise<Readonly<Record<string, { readonly id: string; readonly state: string }>>>;
  /** Removes every container, network, volume and image of it. */
  remove(): Promise<void>;
}

export async function createComposeFixture(compose: string): Promise<ComposeFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-compose-'));
  const name = `orchtest-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const file = join(folder, 'compose.yaml');
  const fixture: ComposeFixture = {
    name,
    folder,
    file,
    write: (text, path = 'compose.yaml') => writeFile(join(folder, path), text),
    compose: (args) => docker(['compose', '-f', file, '-p', name, ...args]),
    containers: () => containersOf(name),
    remove: async () => {
      await removeProject(name);
      await rm(folder, { recursive: true, force: true });
    },
  };
  await fixture.write(compose);
  return fixture;
}

async function containersOf(project: string): Promise<Record<string, { id: string; state: string }>> {
  const format = '{{.Label "com.docker.compose.service"}} {{.ID}} {{.State}}';
  const text = await docker([
    'ps',
    '-a',
    '--filter',
    `label=com.docker.compose.project=${project}`,
    '--format',
    format,
  ]);
  const rows = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    rows.map((line) => {
      const [service = '', id = '', state = ''] = line.split(' ');
      return [service, { id, state }];
    }),
  );
}

/** By labels, so that it works whatever became of the compose file. */
export async function removeProject(project: string): Promise<void> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`];
  const list = async (args: readonly string[]): Promise<string[]> =>
    (await docker([...args, ...filter, '-q'])).split('\n').filter((id) => id !== '');
  const containers = await list(['ps', '-a']);
  if (containers.length > 0) await docker(['rm', '-f', '-v', ...containers]);
  const networks = await list(['network', 'ls']);
  if (networks.length > 0) await docker(['network', 'rm', ...networks]);
  const volumes = await list(['volume', 'ls']);
  if (volumes.length > 0) await docker(['volume', 'rm', ...volumes]);
  const images = await list(['images']);
  if (images.length > 0) await docker(['rmi', '-f', ...new Set(images)]);
}
