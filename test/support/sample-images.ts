import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { docker, findDocker, removeProject } from './docker.ts';

/** The project's own images, built once for all Docker suites. */
export interface SampleImages {
  /** Empty: the images are there. Else why the suites are skipped. */
  readonly reason: string;
  readonly orchestrator: string;
  /** By Compose service. */
  readonly services: Readonly<Record<string, string>>;
}

declare module 'vitest' {
  export interface ProvidedContext {
    sampleImages: SampleImages;
  }
}

export const sampleServices = ['api-auth', 'api-user', 'api-admin'] as const;

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A vitest global set-up: builds what `compose/compose.yaml` builds, under names that nobody else has. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const name = `orchtest-images-${process.pid}`;
  const orchestrator = `orchtest:${process.pid}`;
  const services = Object.fromEntries(sampleServices.map((service) => [service, `${name}-${service}`]));
  const { reason } = await findDocker(['node:24-trixie-slim', 'pgvector/pgvector:pg17']);
  const remove = async (): Promise<void> => {
    await removeProject(name);
    // Those that were not built are no loss.
    await docker(['rmi', '--force', orchestrator, ...Object.values(services)]).catch(() => undefined);
  };
  const failed = reason === '' ? await build(name, orchestrator) : undefined;
  if (failed !== undefined && (process.env.ORCH_TEST_REQUIRE_DOCKER || !isArchiveMissing(failed))) {
    await remove();
    throw new Error(`the project's images do not build:\n${failed}`);
  }
  const skipped =
    failed === undefined ? reason : `the project's images do not build here: ${failed.split('\n').at(-1)}`;
  project.provide('sampleImages', { reason: skipped, orchestrator, services });
  return reason === '' ? remove : undefined;
}

/** True: this machine reaches no package archive, which is no fault of the project. */
function isArchiveMissing(output: string): boolean {
  return /apt-get|npm ci/.test(output.split('\n').at(-1) ?? '');
}

/** The end of the output of a build that failed; undefined: the images are there. */
async function build(name: string, orchestrator: string): Promise<string | undefined> {
  const args = ['compose', '--file', 'compose/compose.yaml', '--project-name', name, 'build'];
  const env = { ...process.env, ORCH_IMAGE: orchestrator, COMPOSE_PROGRESS: 'plain' };
  try {
    await promisify(execFile)('docker', args, { cwd: root, env, maxBuffer: 64 * 1024 * 1024 });
    return undefined;
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    return `${stdout ?? ''}${stderr ?? String(error)}`.trimEnd().split('\n').slice(-40).join('\n');
  }
}
