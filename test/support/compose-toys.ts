import { createServer } from 'node:net';
import { openComposeRuntime } from '../../src/adapters/compose/runtime.ts';
import type { Service } from '../../src/core/project.ts';
import type { LogLine, Runtime } from '../../src/ports/runtime.ts';
import { composeProject, realClock } from './compose-project.ts';
import { type ComposeFixture, createComposeFixture, findDocker } from './docker.ts';

export const image = 'node:24-trixie-slim';
/** Nothing is pulled. */
export const docker = await findDocker([image, 'pgvector/pgvector:pg17']);
export const never = new AbortController().signal;

/** A service that answers on port 80 and goes at once when told to. */
export const serve = `process.on('SIGTERM',()=>process.exit(0));console.log('serving');console.error('to stderr');
require('http').createServer((q,r)=>r.end('fine')).listen(80)`;
/** Asks it, for `health`. */
export const check = `fetch('http://127.0.0.1/').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))`;

/** A Compose service that runs this script. */
export function toy(script: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { image, command: ['node', '-e', script.replaceAll('$', '$$$$')], ...more };
}

/** `test` of a health check that soon knows. */
export function health(script: string): Record<string, unknown> {
  return { healthcheck: { test: ['CMD', 'node', '-e', script], interval: '200ms', timeout: '5s', retries: 25 } };
}

/** A runtime over a Compose project of a test's own. */
export interface Opened {
  readonly fixture: ComposeFixture;
  readonly runtime: Runtime;
  service(name: string): Service;
  rewrite(services: Readonly<Record<string, unknown>>): Promise<void>;
  /** As the next run of orch does: nothing is remembered. */
  again(): Opened;
}

const fixtures: ComposeFixture[] = [];

/** Removes whatever `open` made; for afterEach. */
export async function removeToys(): Promise<void> {
  await Promise.all(fixtures.splice(0).map((fixture) => fixture.remove()));
}

/** JSON is YAML. */
function textOf(services: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ services, volumes: { data: {} } });
}

/** A project with these Compose services; each but `postgres` is a service of orch with the same name. */
export async function open(
  services: Readonly<Record<string, unknown>>,
  settings: Readonly<Record<string, Partial<Service>>> = {},
): Promise<Opened> {
  const fixture = await createComposeFixture(textOf(services));
  fixtures.push(fixture);
  return runtimeFor(fixture, Object.keys(services), settings);
}

function runtimeFor(
  fixture: ComposeFixture,
  names: readonly string[],
  settings: Readonly<Record<string, Partial<Service>>>,
): Opened {
  if (docker.engine === undefined) throw new Error(docker.reason);
  const services = names.filter((name) => name !== 'postgres').map((name) => ({ name, ...settings[name] }));
  const project = composeProject({ name: fixture.name, files: [fixture.file], services });
  const runtime = openComposeRuntime({ project, engine: docker.engine, environment: process.env, clock: realClock });
  return {
    fixture,
    runtime,
    service(name) {
      const found = project.services.find((service) => service.name === name);
      if (found === undefined) throw new Error(`no service ${name}`);
      return found;
    },
    rewrite: (changed) => fixture.write(textOf(changed)),
    again: () => runtimeFor(fixture, names, settings),
  };
}

/** The service's container as the planner gets it. */
export async function observeOne(opened: Opened, name: string, rebuild = false): Promise<unknown> {
  return (await opened.runtime.observe([opened.service(name)], { rebuild })).get(name);
}

/** All lines. */
export async function collect(lines: AsyncIterable<LogLine>): Promise<LogLine[]> {
  const all: LogLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

/** A port of 127.0.0.1, taken as long as it is held; 0: any free one. */
export async function takePort(wanted = 0): Promise<{ port: number; release(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(wanted, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, release: () => new Promise((resolve) => server.close(() => resolve())) };
}
