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
  const failed = reason === '' ? await build(name, orchestrator) : reason;
  project.provide('sampleImages', { reason: failed, orchestrator, services });
  if (reason !== '') return undefined;
  return async () => {
    await removeProject(name);
    await docker(['rmi', '--force', orchestrator, ...Object.values(services)]).catch(() => undefined);
  };
}

/**
 * Why the images can't be had, such as a machine that reaches no package archive; empty: they are built.
 * @throws Error instead where ORCH_TEST_REQUIRE_DOCKER is set
 */
async function build(name: string, orchestrator: string): Promise<string> {
  const args = ['compose', '--file', 'compose/compose.yaml', '--project-name', name, 'build'];
  const env = { ...process.env, ORCH_IMAGE: orchestrator, COMPOSE_PROGRESS: 'plain' };
  try {
    await promisify(execFile)('docker', args, { cwd: root, env, maxBuffer: 64 * 1024 * 1024 });
    return '';
  } catch (error) {
    if (process.env.ORCH_TEST_REQUIRE_DOCKER) throw error;
    const lines = String((error as { stderr?: string }).stderr ?? error).trimEnd().split('\n');
    return `the project's images do not build here: ${lines.at(-1) ?? ''}`;
  }
}
