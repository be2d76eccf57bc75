import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './local-service.ts';
import { type Ended, orch, type RunningOrch, startOrch } from './orch.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const sampleServices = ['api-auth', 'api-user', 'api-admin'] as const;
type SampleService = (typeof sampleServices)[number];

/** The repository's own sample in a folder of its own, on ports of its own, without Docker. */
export interface SampleProject {
  readonly folder: string;
  readonly ports: Readonly<Record<SampleService, number>>;
  /** Runs a command to its end. */
  run(...args: readonly string[]): Promise<Ended>;
  start(...args: readonly string[]): RunningOrch;
  write(file: string, text: string): Promise<void>;
  /** Status of the service's own `GET /health`, and what it answers; 0: nobody listens. */
  health(service: SampleService): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;
  /** Stops what runs and deletes the folder. */
  remove(): Promise<void>;
}

/** Copies the sample; nothing runs yet. */
export async function copySample(): Promise<SampleProject> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-sample-'));
  for (const name of ['package.json', 'orchestrator.config.yaml', 'services', 'compose']) {
    await cp(join(root, name), join(folder, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const ports = { 'api-auth': await freePort(), 'api-user': await freePort(), 'api-admin': await freePort() };
  const env = {
    ORCH_RUNTIME: 'local',
    ...Object.fromEntries(
      sampleServices.map((name) => [`${name.toUpperCase().replace('-', '_')}_PORT`, String(ports[name])]),
    ),
  };
  const running: RunningOrch[] = [];
  const start = (...args: readonly string[]): RunningOrch => {
    const started = startOrch(args, { cwd: folder, env });
    running.push(started);
    return started;
  };
  return {
    folder,
    ports,
    start,
    run: (...args) => orch(args, { cwd: folder, env }),
    write: (file, text) => writeFile(join(folder, file), text),
    health: (service) => askHealth(ports[service]),
    async remove() {
      for (const { child } of running) if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await Promise.all(running.map(({ ended }) => ended));
      // What a killed one has left behind.
      await orch(['down'], { cwd: folder, env });
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function askHealth(port: number): ReturnType<SampleProject['health']> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  } catch {
    return { status: 0, body: {} };
  }
}
