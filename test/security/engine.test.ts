import { chmod, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { engineCalls } from '../../src/adapters/compose/engine-calls.ts';
import { type FakeAnswer, startFakeEngine } from '../support/fake-engine.ts';
import type { ProjectFolder } from '../support/project-folder.ts';
import { canaries, expectNoLeak, leaksIn, makeSecretProject, run } from './support.ts';

/** All that a filtering proxy in front of the engine's socket has to let through. Written down here once more, on purpose. */
const allowed = [
  /^GET \/_ping$/,
  /^GET \/containers\/json$/,
  /^GET \/containers\/[0-9a-f]{64}\/json$/,
  /^GET \/containers\/[0-9a-f]{64}\/logs$/,
  /^GET \/images\/[^/?]+\/json$/,
  /^GET \/events$/,
  /^POST \/containers\/[0-9a-f]{64}\/start$/,
  /^POST \/containers\/[0-9a-f]{64}\/stop$/,
];

const id = 'a'.repeat(64);
const foreignId = 'f'.repeat(64);

interface Engine {
  readonly host: string;
  readonly requests: readonly string[];
  readonly refused: readonly string[];
  state(): string;
}

/** An engine behind a proxy that refuses whatever is not on the list: one created container of ours, one of somebody else. */
async function startGuardedEngine(port: number): Promise<Engine> {
  let state = 'created';
  const started = new Date().toISOString();
  const refused: string[] = [];
  const labels = { 'com.docker.compose.project': 'sample', 'com.docker.compose.service': 'shop' };
  const foreign = { 'com.docker.compose.project': 'other', 'com.docker.compose.service': 'shop' };
  const inspected = (): object => ({
    Id: id,
    Name: '/sample-shop-1',
    Image: 'sha256:1',
    RestartCount: 0,
    State: { Status: state, ExitCode: 0, StartedAt: started, Health: { Status: 'healthy', Log: [] } },
    Config: { Image: 'sample-shop', Labels: labels, Tty: false },
    NetworkSettings: { Ports: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] } },
  });
  const answer: FakeAnswer = (request, response) => {
    const [path = '', query = ''] = (request.url ?? '').replace(/^\/v[\d.]+/, '').split('?');
    const call = `${request.method} ${path}`;
    const say = (value: unknown): void => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    if (!allowed.some((pattern) => pattern.test(call))) {
      refused.push(call);
      response.writeHead(403).end('{"message":"refused by the proxy"}');
    } else if (path === '/_ping') response.writeHead(200, { 'api-version': '1.45' }).end('OK');
    else if (path === '/containers/json') {
      const all = [
        { Id: id, Names: ['/sample-shop-1'], State: state, Labels: labels },
        { Id: foreignId, Names: ['/other-shop-1'], State: 'running', Labels: foreign },
      ];
      const wanted =
        (JSON.parse(new URLSearchParams(query).get('filters') ?? '{}') as { label?: string[] }).label ?? [];
      const has = (own: Record<string, string>): boolean =>
        wanted.every((label) => own[label.split('=')[0] ?? ''] === label.split('=')[1]);
      say(all.filter((container) => has(container.Labels)));
    } else if (path.endsWith('/json')) say(inspected());
    else if (path.endsWith('/start')) {
      state = 'running';
      response.writeHead(204).end();
    } else if (path.endsWith('/stop')) {
      state = 'exited';
      response.writeHead(204).end();
    } else if (path === '/events') response.writeHead(200).flushHeaders();
    else response.writeHead(200).end();
  };
  const fake = await startFakeEngine(answer);
  onTestFinished(() => fake.stop());
  return { host: `unix://${fake.socket}`, requests: fake.requests, refused, state: () => state };
}

async function healthyPort(): Promise<number> {
  const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A project with one service in Compose, on a server that orch does not start. */
async function composeProject(): Promise<ProjectFolder> {
  const project = await makeSecretProject(
    { '001_a.up.sql': 'CREATE TABLE a ();' },
    { sketch: { yaml: 'container: shop' }, yaml: 'compose: { files: [compose.yaml] }\n' },
  );
  await project.write('compose.yaml', 'services: { shop: { image: sample-shop } }\n');
  return project;
}

describe('with the engine’s socket alone', () => {
  it('up, status, logs, plan, reset and down make no call but those of the list, and touch no other project', async () => {
    const project = await composeProject();
    const engine = await startGuardedEngine(await healthyPort());
    // No Compose CLI on the search path.
    const env = { DOCKER_HOST: engine.host, PATH: dirname(process.execPath).replace(/.*/, '/nowhere') };
    for (const args of [
      ['plan'],
      ['up'],
      ['status'],
      ['up'],
      ['logs', '--tail', '5'],
      ['reset', 'shop', '--yes'],
      ['down'],
      ['wait'],
      ['current'],
      ['migrate'],
    ]) {
      const ended = await run(project, [...args, '--runtime', 'compose', '--verbose'], env);
      expectNoLeak(ended, [canaries.owner, canaries.app], args.join(' '));
      expect(ended.code, `${args.join(' ')}\n${ended.output}`).toBe(0);
    }
    expect(engine.state()).toBe('exited');
    expect(engine.refused).toEqual([]);
    const calls = engine.requests.map((request) => request.replace(/ \/v[\d.]+/, ' '));
    expect(new Set(calls.filter((call) => !call.startsWith('GET ')))).toEqual(
      new Set([`POST /containers/${id}/start`, `POST /containers/${id}/stop`]),
    );
    expect(calls.filter((call) => call.includes(foreignId))).toEqual([]);
  });

  it('the list that the code has is the one that is promised, with one more that no run above needs', () => {
    const shown = (path: string): string => path.replace('{id}', id).replace('{name}', 'sample');
    const calls = Object.values(engineCalls).map(({ method, path }) => `${method} ${shown(path)}`);
    const others = calls.filter((call) => !allowed.some((pattern) => pattern.test(call)));
    // A container that was never started, left behind by a start of this run that failed.
    expect(others).toEqual([`DELETE /containers/${id}`]);
  });
});

describe('without the engine', () => {
  it('up migrates where Compose gates: it needs no socket', async () => {
    const project = await composeProject();
    const ended = await run(project, ['migrate'], { DOCKER_HOST: 'unix:///nowhere/docker.sock', PATH: '/nowhere' });
    expect(ended.code, ended.output).toBe(0);
  });

  it('the sample’s gate mounts no socket, and no container gets a password in its environment', async () => {
    const root = new URL('../../compose/', import.meta.url);
    const text = await readFile(new URL('compose.yaml', root), 'utf8');
    expect(text).not.toContain('docker.sock');
    const { services } = parse(text, { merge: true }) as {
      services: Record<string, { environment?: Record<string, string>; privileged?: boolean; secrets?: unknown }>;
    };
    expect(Object.keys(services).length).toBeGreaterThan(3);
    for (const [name, { environment = {}, privileged }] of Object.entries(services)) {
      expect(privileged, name).toBeUndefined();
      // What stands in the environment stands in `docker inspect`.
      const held = Object.entries(environment).filter(([key]) => /password|secret|token/i.test(key));
      for (const [key, value] of held) expect(`${key}=${value}`, name).toMatch(/_FILE=\/run\/secrets\//);
      for (const value of Object.values(environment)) expect(String(value), name).not.toMatch(/:\/\/[^/@]*:[^/@]+@/);
    }
  });
});

describe('with the Compose CLI', () => {
  it('no password is in its arguments, and none in what it is given beside orch’s own environment', async () => {
    const project = await composeProject();
    // A docker that writes down what it was started with, and then fails.
    const script = '#!/bin/sh\n{ echo "ARGS $*"; env; } >> "$ORCH_TEST_LOG"\nexit 1\n';
    await project.write('bin/docker', script);
    await chmod(join(project.folder, 'bin/docker'), 0o755);
    const engine = await startGuardedEngine(1);
    const log = join(project.folder, 'docker.log');
    const PATH = `${join(project.folder, 'bin')}:${process.env.PATH}`;
    for (const args of [['up'], ['status'], ['down'], ['logs']]) {
      const env = { PATH, DOCKER_HOST: engine.host, ORCH_TEST_LOG: log };
      await run(project, [...args, '--runtime', 'compose'], env);
    }
    const started = await readFile(log, 'utf8');
    expect(started).toContain('ARGS compose -f');
    expect(leaksIn(started, [canaries.owner, canaries.app])).toEqual([]);
    expect(started).not.toMatch(/ARGS.* (?:-e|--env|--privileged|-v|--volume)\b/);
    // Compose files of other places would bring options of containers with them, at each run others.
    for (const kind of ['GIT', 'OCI']) expect(started).toContain(`COMPOSE_EXPERIMENTAL_${kind}_REMOTE=false`);
  });
});
