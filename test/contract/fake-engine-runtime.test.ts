import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { engineCalls } from '../../src/adapters/compose/engine-calls.ts';
import { EngineClient } from '../../src/adapters/compose/engine-client.ts';
import { waitForHealth } from '../../src/adapters/compose/health.ts';
import { openComposeRuntime } from '../../src/adapters/compose/runtime.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import { composeProject, failureOf, realClock } from '../support/compose-project.ts';
import { brokenAnswers, type FakeAnswer, type FakeEngine, routes, startFakeEngine } from '../support/fake-engine.ts';

const never = new AbortController().signal;
const id = 'a'.repeat(64);
const listed = {
  Id: id,
  Names: ['/shop-web-1'],
  State: 'running',
  Labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' },
};

interface Told {
  readonly Status?: string;
  readonly ExitCode?: number;
  readonly StartedAt?: string;
  readonly Health?: object;
  readonly RestartCount?: number;
}

function inspected(told: Told = {}): object {
  const { RestartCount = 0, ...state } = told;
  return {
    Id: id,
    Name: '/shop-web-1',
    Image: 'sha256:1',
    RestartCount,
    State: { Status: 'running', ExitCode: 0, StartedAt: new Date().toISOString(), ...state },
    Config: { Image: 'shop-web', Labels: listed.Labels, Tty: false },
    NetworkSettings: { Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] } },
  };
}

const held: FakeAnswer = (_request, response) => {
  response.writeHead(200);
  response.flushHeaders();
};

function frame(stream: 1 | 2, text: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

const log: FakeAnswer = (_request, response) => {
  const time = '2026-01-01T00:00:00.000000000Z';
  const all = Buffer.concat([
    frame(1, `${time} first\n`),
    frame(2, `${time} second ü`),
    frame(2, `${time}  goes on\n`),
  ]);
  // In pieces that respect neither frames nor characters.
  response.writeHead(200);
  for (let at = 0; at < all.length; at += 7) response.write(all.subarray(at, at + 7));
  response.end();
};

const one = `/containers/${id}`;

function shop(container: object | FakeAnswer, more: Readonly<Record<string, FakeAnswer | object>> = {}): FakeAnswer {
  return routes({
    'GET /containers/json': [listed],
    [`GET ${one}/json`]: container,
    [`GET ${one}/logs`]: log,
    'GET /events': held,
    ...more,
  });
}

let fake: FakeEngine | undefined;

afterEach(async () => {
  await fake?.stop();
  fake = undefined;
});

async function runtimeOver(answer: FakeAnswer, url?: string, engineTimeout = 300): Promise<Runtime> {
  fake = await startFakeEngine(answer);
  const services = [{ name: 'web', health: { url, timeout: 3000 } }];
  return openComposeRuntime({
    project: composeProject({ name: 'shop', files: [], services }),
    engine: fake.engine,
    environment: {},
    clock: realClock,
    engineTimeout,
  });
}

const project = composeProject({ name: 'shop', files: [], services: [{ name: 'web' }] });
const web = project.services[0] as (typeof project.services)[0];
const [server] = project.servers;

describe('an engine that is broken', () => {
  const broken = Object.entries(brokenAnswers);

  it.each(broken)('is the failure docker-unavailable to a look at containers where it %s', async (_name, answer) => {
    const runtime = await runtimeOver(answer);
    expect(await failureOf(runtime.observe([web], { rebuild: false }))).toMatchObject({
      code: 'docker-unavailable',
      details: { tried: [`unix://${fake?.socket}`] },
    });
  });

  it.each(broken)('is the failure docker-unavailable to a wait for health in which it %s', async (_name, answer) => {
    let looks = 0;
    const runtime = await runtimeOver(
      shop((request, response) => {
        looks += 1;
        if (looks > 2) answer(request, response);
        else response.end(JSON.stringify(inspected({ Health: { Status: 'starting' } })));
      }),
    );
    expect(await failureOf(runtime.waitHealthy(web, never))).toMatchObject({ code: 'docker-unavailable' });
  });

  it.each(broken)('is the failure docker-unavailable to logs where it %s', async (_name, answer) => {
    const runtime = await runtimeOver(answer);
    const reading = collect(runtime.logs([web], { follow: true, tail: 1, signal: never }));
    expect(await failureOf(reading)).toMatchObject({ code: 'docker-unavailable' });
  });

  it('is the failure docker-unavailable where it went away between two calls', async () => {
    const runtime = await runtimeOver(shop(inspected()));
    await runtime.observe([web], { rebuild: false });
    await fake?.stop();
    const failure = await failureOf(runtime.stopService(web));
    expect(failure).toMatchObject({ code: 'docker-unavailable', details: { what: 'engine-lost' } });
    fake = undefined;
  });

  it('does not keep an interrupted call waiting', async () => {
    const runtime = await runtimeOver(brokenAnswers['accepts and never answers'], undefined, 60_000);
    const interrupt = new AbortController();
    const waiting = failureOf(runtime.waitHealthy(web, interrupt.signal));
    const reason = new Error('interrupted');
    interrupt.abort(reason);
    expect(await waiting).toBe(reason);
  });
});

describe('waiting for health', () => {
  it('ends well when the container is healthy, with the published address', async () => {
    const runtime = await runtimeOver(shop(inspected({ Health: { Status: 'healthy' } })));
    expect(await runtime.waitHealthy(web, never)).toEqual({ url: 'http://127.0.0.1:8080' });
  });

  it('goes on until the container is healthy', async () => {
    let looks = 0;
    const runtime = await runtimeOver(
      shop((_request, response) => {
        looks += 1;
        response.end(JSON.stringify(inspected({ Health: { Status: looks < 3 ? 'starting' : 'healthy' } })));
      }),
    );
    await runtime.waitHealthy(web, never);
    expect(looks).toBe(3);
  });

  it('fails at once where the container is unhealthy, with its last health output and log lines', async () => {
    const Health = { Status: 'unhealthy', Log: [{ ExitCode: 1, Output: 'no database\n' }] };
    const runtime = await runtimeOver(shop(inspected({ Health })));
    expect(await failureOf(runtime.waitHealthy(web, never))).toMatchObject({
      code: 'service-unhealthy',
      details: { state: 'unhealthy', lastAnswer: 'no database', logTail: ['first', 'second ü goes on'] },
    });
  });

  it('fails at once where the container has exited', async () => {
    const runtime = await runtimeOver(shop(inspected({ Status: 'exited', ExitCode: 3 })));
    expect(await failureOf(runtime.waitHealthy(web, never))).toMatchObject({
      code: 'service-unhealthy',
      details: { state: 'exited with code 3' },
    });
  });

  it('is not fooled by a crash loop that reads running at every look', async () => {
    let looks = 0;
    const runtime = await runtimeOver(
      shop((_request, response) => {
        looks += 1;
        response.end(JSON.stringify(inspected({ ExitCode: 7, RestartCount: looks - 1 })));
      }),
    );
    expect(await failureOf(runtime.waitHealthy(web, never))).toMatchObject({
      code: 'service-unhealthy',
      details: { state: 'in a crash loop (2 restarts, last exit code 7)' },
    });
  });

  it('is not fooled by another program that answers at the health URL while the container crashes', async () => {
    let looks = 0;
    fake = await startFakeEngine(
      shop((_request, response) => {
        looks += 1;
        const StartedAt = new Date(Date.now() + looks).toISOString();
        response.end(JSON.stringify(inspected({ StartedAt, RestartCount: looks > 6 ? 2 : 1 })));
      }),
    );
    const other = createServer((_request, response) => response.end('fine'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/health`;
    const wait = {
      service: 'web',
      project: 'shop',
      container: 'web',
      containerId: id,
      url,
      timeout: 20_000,
      signal: never,
    };
    const failure = await failureOf(waitForHealth(new EngineClient(fake.engine.address), realClock, wait));
    await new Promise<void>((resolve) => other.close(() => resolve()));
    expect(failure).toMatchObject({
      code: 'service-unhealthy',
      details: { state: expect.stringContaining('crash loop') },
    });
  });

  it('does not count restarts of long ago', async () => {
    const StartedAt = '2026-01-01T00:00:00Z';
    const runtime = await runtimeOver(shop(inspected({ StartedAt, RestartCount: 5, Health: { Status: 'healthy' } })));
    expect(await runtime.waitHealthy(web, never)).toEqual({ url: 'http://127.0.0.1:8080' });
  });

  it('fails where its time is over, and says what the container was doing', async () => {
    const runtime = await runtimeOver(shop(inspected({ Health: { Status: 'starting' } })));
    const hurried = { ...web, health: { url: undefined, timeout: 1 } };
    expect(await failureOf(runtime.waitHealthy(hurried, never))).toMatchObject({
      code: 'service-unhealthy',
      details: { state: 'still starting' },
    });
  });

  it('fails where the container is removed meanwhile', async () => {
    let looks = 0;
    const runtime = await runtimeOver(
      shop((_request, response) => {
        looks += 1;
        if (looks > 2) response.writeHead(404).end('{"message":"No such container"}');
        else response.end(JSON.stringify(inspected({ Health: { Status: 'starting' } })));
      }),
    );
    expect(await failureOf(runtime.waitHealthy(web, never))).toMatchObject({
      code: 'service-unhealthy',
      details: { state: 'gone: its container was removed' },
    });
  });

  it('goes on where the stream of events fails', async () => {
    const runtime = await runtimeOver(
      shop(inspected({ Health: { Status: 'healthy' } }), { 'GET /events': brokenAnswers['closes within the answer'] }),
    );
    expect(await runtime.waitHealthy(web, never)).toEqual({ url: 'http://127.0.0.1:8080' });
  });
});

describe('with the engine socket alone', () => {
  it('starts a container that was created, and takes the engine telling that it runs already', async () => {
    const created = { ...(inspected() as Record<string, unknown>), State: { Status: 'created' } };
    const runtime = await runtimeOver(shop(created, { [`POST ${one}/start`]: answerStatus(304) }));
    await runtime.startService(web, 'start', never);
    expect(fake?.requests.at(-1)).toBe(`POST ${one}/start`);
  });

  it('never creates a container, and says what to type', async () => {
    const runtime = await runtimeOver(routes({ 'GET /containers/json': [] }));
    expect(await failureOf(runtime.startService(web, 'create', never))).toMatchObject({
      code: 'service-not-started',
      details: { reason: expect.stringContaining('docker compose -p shop create web') },
    });
    expect(fake?.requests).toEqual(['GET /containers/json']);
  });

  it('starts the server where its container is stopped', async () => {
    const postgres = { ...listed, Labels: { ...listed.Labels, 'com.docker.compose.service': 'postgres' } };
    const answer = shop(inspected({ Status: 'exited' }), {
      'GET /containers/json': [postgres],
      [`POST ${one}/start`]: answerStatus(204),
    });
    const runtime = await runtimeOver(answer);
    if (server === undefined) throw new Error('no server');
    expect(await runtime.startServer(server, [web], never)).toBe('started');
  });

  it('tells a port that is taken', async () => {
    const message =
      'driver failed programming external connectivity: Bind for 127.0.0.1:8080 failed: port is already allocated';
    const refuse: FakeAnswer = (_request, response) => {
      response.writeHead(500).end(JSON.stringify({ message }));
    };
    const runtime = await runtimeOver(shop(inspected({ Status: 'created' }), { [`POST ${one}/start`]: refuse }));
    expect(await failureOf(runtime.startService(web, 'start', never))).toMatchObject({
      code: 'port-taken',
      details: { service: 'web', address: '127.0.0.1:8080' },
    });
  });

  it('shows a crash loop as restarting even where it reads running just now', async () => {
    const runtime = await runtimeOver(shop(inspected({ RestartCount: 4 })));
    const found = await runtime.observe([web], { rebuild: false });
    expect(found.get('web')).toMatchObject({ state: 'restarting', id: 'a'.repeat(12) });
  });

  it('stops services before servers, and refuses to remove volumes', async () => {
    const runtime = await runtimeOver(shop(inspected(), { [`POST ${one}/stop`]: answerStatus(204) }));
    expect(await runtime.down([web], { volumes: false })).toEqual(['shop-web-1']);
    expect(await failureOf(runtime.down([web], { volumes: true }))).toMatchObject({ code: 'usage-invalid' });
  });
});

describe('an engine behind TCP', () => {
  it('is reached at its own address, whatever DOCKER_HOST the process has', async () => {
    const remote = createServer((_request, response) => response.end('[]'));
    await new Promise<void>((resolve) => remote.listen(0, '127.0.0.1', resolve));
    const { port } = remote.address() as AddressInfo;
    vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
    const client = new EngineClient({ kind: 'tcp', host: '127.0.0.1', port, tls: undefined });
    const found = await client.listContainers([]).finally(() => vi.unstubAllEnvs());
    await new Promise<void>((resolve) => remote.close(() => resolve()));
    expect(found).toEqual([]);
  });
});

describe('the calls to the engine', () => {
  it('are those of the list and no others', async () => {
    const runtime = await runtimeOver(
      shop(inspected({ Health: { Status: 'healthy' } }), {
        [`POST ${one}/start`]: answerStatus(204),
        [`POST ${one}/stop`]: answerStatus(204),
        [`DELETE ${one}`]: answerStatus(204),
      }),
    );
    await runtime.observe([web], { rebuild: false });
    await runtime.waitHealthy(web, never);
    await collect(runtime.logs([web], { follow: false, tail: 5, signal: never }));
    await runtime.stopService(web);
    await runtime.down([web], { volumes: false });
    const client = new EngineClient({ kind: 'socket', path: fake?.socket ?? '' });
    await Promise.all([client.findImageId('a/b:c'), client.startContainer(id), client.removeContainer(id)]);
    const allowed = Object.values(engineCalls).map(({ method, path }) => `${method} ${path}`);
    const made = new Set(
      fake?.requests.map((request) => request.replace(id, '{id}').replace(/\/images\/.+\/json/, '/images/{name}/json')),
    );
    expect([...made].toSorted()).toEqual(allowed.filter((call) => call !== 'GET /_ping').toSorted());
  });
});

function answerStatus(status: number): FakeAnswer {
  return (_request: unknown, response: ServerResponse) => {
    response.writeHead(status).end();
  };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
