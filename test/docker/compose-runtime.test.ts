import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openComposeRuntime } from '../../src/adapters/compose/runtime.ts';
import type { Service } from '../../src/core/project.ts';
import type { LogLine, Runtime } from '../../src/ports/runtime.ts';
import { composeProject, failureOf, realClock } from '../support/compose-project.ts';
import { type ComposeFixture, createComposeFixture, findDocker } from '../support/docker.ts';

const image = 'node:24-trixie-slim';
const docker = await findDocker([image, 'pgvector/pgvector:pg17']);
const never = new AbortController().signal;

/** A service that answers on port 80 and goes at once when told to. */
const serve = `process.on('SIGTERM',()=>process.exit(0));console.log('serving');console.error('to stderr');
require('http').createServer((q,r)=>r.end('fine')).listen(80)`;
const check = `fetch('http://127.0.0.1/').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))`;

function toy(script: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { image, command: ['node', '-e', script.replaceAll('$', '$$')], ...more };
}

/** `test` of a health check that soon knows. */
function health(script: string): Record<string, unknown> {
  return { healthcheck: { test: ['CMD', 'node', '-e', script], interval: '200ms', timeout: '5s', retries: 25 } };
}

interface Opened {
  readonly fixture: ComposeFixture;
  readonly runtime: Runtime;
  service(name: string): Service;
  rewrite(services: Readonly<Record<string, unknown>>): Promise<void>;
  /** As the next run of orch does: nothing is remembered. */
  again(): Opened;
}

const fixtures: ComposeFixture[] = [];

afterEach(async () => {
  await Promise.all(fixtures.splice(0).map((fixture) => fixture.remove()));
});

/** JSON is YAML. */
function textOf(services: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ services, volumes: { data: {} } });
}

async function open(
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

async function observeOne(opened: Opened, name: string, rebuild = false): Promise<unknown> {
  return (await opened.runtime.observe([opened.service(name)], { rebuild })).get(name);
}

async function collect(lines: AsyncIterable<LogLine>): Promise<LogLine[]> {
  const all: LogLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

/** A free port of 127.0.0.1, taken as long as it is held. */
async function takePort(): Promise<{ port: number; release(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, release: () => new Promise((resolve) => server.close(() => resolve())) };
}

const suite = describe.skipIf(docker.engine === undefined);

suite(`the Compose runtime with the Compose CLI ${docker.reason}`, () => {
  it('starts a service, waits for its health, and gives the address where it answers', async () => {
    const opened = await open({ web: toy(serve, { ports: ['127.0.0.1::80'], ...health(check) }) });
    expect(await observeOne(opened, 'web')).toMatchObject({ state: 'absent', upToDate: false, imageMissing: false });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    const { url } = await opened.runtime.waitHealthy(opened.service('web'), never);
    expect(await (await fetch(url ?? '')).text()).toBe('fine');
    const next = opened.again();
    expect(await observeOne(next, 'web')).toMatchObject({ state: 'running', health: 'healthy', upToDate: true, url });
  });

  it('asks the health URL too, where the config has one', async () => {
    const free = await takePort();
    await free.release();
    const url = `http://127.0.0.1:${free.port}/health`;
    const script = `process.on('SIGTERM',()=>process.exit(0));let n=0;
      require('http').createServer((q,r)=>{r.statusCode=n++<2?503:200;r.end('n='+n)}).listen(80)`;
    const services = { web: toy(script, { ports: [`127.0.0.1:${free.port}:80`] }) };
    const opened = await open(services, { web: { health: { url, timeout: 20_000 } } });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    expect(await opened.runtime.waitHealthy(opened.service('web'), never)).toEqual({ url: new URL(url).origin });
  });

  it('sees that the compose file has changed, replaces the container, and is content with the new one', async () => {
    const opened = await open({ web: toy(serve) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    const before = await opened.fixture.containers();
    await opened.rewrite({ web: toy(serve, { environment: { CHANGED: '1' } }) });
    const next = opened.again();
    expect(await observeOne(next, 'web')).toMatchObject({ state: 'running', upToDate: false });
    expect(await opened.fixture.containers()).toEqual(before);
    await next.runtime.startService(next.service('web'), 'recreate', never);
    expect(await observeOne(next.again(), 'web')).toMatchObject({ state: 'running', upToDate: true });
    expect((await opened.fixture.containers()).web?.id).not.toBe(before.web?.id);
  });

  it('stops a service, and starts the same container again', async () => {
    const opened = await open({ web: toy(serve) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    const { web } = await opened.fixture.containers();
    await opened.runtime.stopService(opened.service('web'));
    expect(await observeOne(opened, 'web')).toMatchObject({ state: 'exited', upToDate: true });
    await opened.runtime.startService(opened.service('web'), 'start', never);
    expect(await opened.fixture.containers()).toEqual({ web: { id: web?.id, state: 'running' } });
  });

  it('starts services of the project at the same time, and of profiles that are off', async () => {
    const names = ['one', 'two', 'three'];
    const opened = await open(Object.fromEntries(names.map((name) => [name, toy(serve, { profiles: ['extra'] })])));
    await Promise.all(names.map((name) => opened.runtime.startService(opened.service(name), 'create', never)));
    expect(Object.keys(await opened.fixture.containers()).toSorted()).toEqual(names.toSorted());
  });

  it('starts only what it is told to: the services that it depends on are not touched', async () => {
    const opened = await open({ web: toy(serve, { depends_on: ['api'] }), api: toy(serve) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    expect(Object.keys(await opened.fixture.containers())).toEqual(['web']);
  });

  it('gives up on a crash loop, with its last log lines', async () => {
    const script = `console.log('about to fall');setTimeout(()=>process.exit(9),100)`;
    const opened = await open({ web: toy(script, { restart: 'always' }) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    expect(await failureOf(opened.runtime.waitHealthy(opened.service('web'), never))).toMatchObject({
      code: 'service-unhealthy',
      details: { state: expect.stringContaining('crash loop'), logTail: expect.arrayContaining(['about to fall']) },
    });
  });

  it('gives up on a service that exits, though it exits without a fault', async () => {
    const opened = await open({ web: toy(`console.log('bye')`) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    expect(await failureOf(opened.runtime.waitHealthy(opened.service('web'), never))).toMatchObject({
      code: 'service-unhealthy',
      details: { state: 'exited with code 0', logTail: ['bye'] },
    });
  });

  it('gives up on an unhealthy service, with what its health check said', async () => {
    const test = ['CMD', 'node', '-e', `console.log('no database');process.exit(1)`];
    const healthcheck = { test, interval: '100ms', timeout: '5s', retries: 1 };
    const opened = await open({ web: toy(serve, { healthcheck }) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    expect(await failureOf(opened.runtime.waitHealthy(opened.service('web'), never))).toMatchObject({
      code: 'service-unhealthy',
      details: { state: 'unhealthy', lastAnswer: 'no database' },
    });
  });

  it('leaves nothing behind where the port is taken, and names the address', async () => {
    const taken = await takePort();
    const opened = await open({ web: toy(serve, { ports: [`127.0.0.1:${taken.port}:80`] }) });
    const failure = await failureOf(opened.runtime.startService(opened.service('web'), 'create', never));
    expect(failure).toMatchObject({
      code: 'port-taken',
      details: { service: 'web', address: `127.0.0.1:${taken.port}` },
    });
    expect(await opened.fixture.containers()).toEqual({});
    await taken.release();
    await opened.runtime.startService(opened.service('web'), 'create', never);
    expect(await opened.fixture.containers()).toMatchObject({ web: { state: 'running' } });
  });

  it('names the container whose port it is as a taken port too', async () => {
    const free = await takePort();
    await free.release();
    const ports = [`127.0.0.1:${free.port}:80`];
    const opened = await open({ web: toy(serve, { ports }), other: toy(serve, { ports }) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    const failure = await failureOf(opened.runtime.startService(opened.service('other'), 'create', never));
    expect(failure).toMatchObject({ code: 'port-taken', details: { address: `127.0.0.1:${free.port}` } });
    expect(await opened.fixture.containers()).toMatchObject({ web: { state: 'running' } });
    expect(await opened.fixture.containers()).not.toHaveProperty('other');
  });

  it('says which image is missing and why it can not be had', async () => {
    const missing = 'localhost:1/orch/nowhere:1';
    const opened = await open({ web: { image: missing } });
    expect(await observeOne(opened, 'web')).toMatchObject({ state: 'absent', imageMissing: true, image: missing });
    const details = { service: 'web', image: missing };
    const pulled = await failureOf(opened.runtime.buildImage(opened.service('web'), never, () => {}));
    expect(pulled).toMatchObject({ code: 'image-missing', details });
    const started = await failureOf(opened.runtime.startService(opened.service('web'), 'create', never));
    expect(started).toMatchObject({ code: 'image-missing', details });
    expect(await opened.fixture.containers()).toEqual({});
  });

  it('builds an image, and replaces the container once a new build differs', async () => {
    const opened = await open({ web: { build: '.' } });
    const dockerfile = (text: string): string =>
      `FROM ${image}\nENV TEXT=${text}\nCMD ["node", "-e", "process.on('SIGTERM',()=>process.exit(0));setInterval(()=>{},1e6)"]\n`;
    await opened.fixture.write(dockerfile('one'), 'Dockerfile');
    expect(await observeOne(opened, 'web')).toMatchObject({ imageMissing: true });
    const output: string[] = [];
    await opened.runtime.buildImage(opened.service('web'), never, (line) => output.push(line));
    expect(output.length).toBeGreaterThan(0);
    await opened.runtime.startService(opened.service('web'), 'create', never);
    expect(await observeOne(opened.again(), 'web')).toMatchObject({ upToDate: true, imageMissing: false });
    expect(await observeOne(opened.again(), 'web', true)).toMatchObject({ upToDate: false, imageMissing: true });
    const { web } = await opened.fixture.containers();
    await opened.runtime.buildImage(opened.service('web'), never, () => {});
    await opened.runtime.startService(opened.service('web'), 'recreate', never);
    expect((await opened.fixture.containers()).web).toEqual(web);
    await opened.fixture.write(dockerfile('two'), 'Dockerfile');
    await opened.runtime.buildImage(opened.service('web'), never, () => {});
    expect(await observeOne(opened.again(), 'web')).toMatchObject({ upToDate: false });
    await opened.runtime.startService(opened.service('web'), 'recreate', never);
    expect(await observeOne(opened.again(), 'web')).toMatchObject({ upToDate: true });
  });

  it('shows the end of the output of an image that does not build, and lets the old container run', async () => {
    const opened = await open({ web: toy(serve) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    const before = await opened.fixture.containers();
    await opened.rewrite({ web: { build: '.' } });
    await opened.fixture.write(`FROM ${image}\nRUN echo from the build && exit 3\n`, 'Dockerfile');
    const next = opened.again();
    expect(await failureOf(next.runtime.buildImage(next.service('web'), never, () => {}))).toMatchObject({
      code: 'image-build-failed',
      details: { service: 'web', outputTail: expect.arrayContaining([expect.stringContaining('exit code: 3')]) },
    });
    expect(await opened.fixture.containers()).toEqual(before);
  });

  it.each([
    ['YAML that is none', 'services:\n  web: {image: x\n  b: [\n', "did not find expected ',' or '}'", 1],
    ['an unknown key', 'services:\n  web:\n    imagee: x\n', "additional properties 'imagee' not allowed", undefined],
    [
      'a required variable that is not set',
      `services:\n  web:\n    image: \${ORCH_X:?say which}\n`,
      'say which',
      undefined,
    ],
    [
      'a remote include',
      'include: ["oci://docker.io/x/y:1"]\nservices: {}\n',
      'remote resource is disabled',
      undefined,
    ],
  ])('refuses a compose file with %s, before anything is touched', async (_name, text, words, line) => {
    const opened = await open({ web: toy(serve) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    const before = await opened.fixture.containers();
    await opened.fixture.write(text);
    const next = opened.again();
    const failures = [
      await failureOf(next.runtime.observe([next.service('web')], { rebuild: false })),
      await failureOf(next.runtime.startService(next.service('web'), 'recreate', never)),
      await failureOf(next.runtime.down([next.service('web')], { volumes: true })),
    ];
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'compose-invalid', details: { message: expect.stringContaining(words) } });
      if (line !== undefined) expect(failure).toMatchObject({ at: { file: opened.fixture.file, line } });
    }
    expect(await opened.fixture.containers()).toEqual(before);
  });

  it('names the Compose service that the compose file does not have', async () => {
    const opened = await open({ web: toy(serve) }, { web: { container: 'wep' } });
    expect(await failureOf(opened.runtime.observe([opened.service('web')], { rebuild: false }))).toMatchObject({
      code: 'compose-invalid',
      details: { message: expect.stringContaining('"wep"') },
    });
  });

  it('stops and leaves no child process when it is interrupted in a build', async () => {
    const opened = await open({ web: { build: '.' } });
    await opened.fixture.write(`FROM ${image}\nRUN sleep 300\n`, 'Dockerfile');
    const interrupt = new AbortController();
    const reason = new Error('interrupted');
    const building = opened.runtime.buildImage(opened.service('web'), interrupt.signal, (line) => {
      if (line.includes('sleep 300')) interrupt.abort(reason);
    });
    expect(await failureOf(building)).toBe(reason);
    expect(await processesNaming(opened.fixture.name)).toEqual([]);
  });

  it('reads the logs of several services, by time, with their streams', async () => {
    const opened = await open({
      web: toy(serve),
      api: toy(`console.log('one line');setInterval(()=>{},1e6)`, { init: true }),
    });
    for (const name of ['web', 'api']) {
      await opened.runtime.startService(opened.service(name), 'create', never);
      await opened.runtime.waitHealthy(opened.service(name), never);
    }
    const both = [opened.service('api'), opened.service('web')];
    const lines = await collect(opened.runtime.logs(both, { follow: false, tail: undefined, signal: never }));
    expect(lines.at(-1)).toEqual({ service: 'api', stream: 'stdout', text: 'one line' });
    expect(lines).toContainEqual({ service: 'web', stream: 'stdout', text: 'serving' });
    expect(lines).toContainEqual({ service: 'web', stream: 'stderr', text: 'to stderr' });
  });

  it('follows a log over a restart, and ends without an error when it is interrupted', async () => {
    const opened = await open({ web: toy(`console.log('start '+Date.now());setInterval(()=>{},1e6)`, { init: true }) });
    const web = opened.service('web');
    const interrupt = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const line of opened.runtime.logs([web], {
        follow: true,
        tail: undefined,
        signal: interrupt.signal,
      })) {
        seen.push(line.text);
        if (seen.length === 1) {
          await opened.runtime.stopService(web);
          await opened.runtime.startService(web, 'start', never);
        } else {
          interrupt.abort();
        }
      }
    })();
    await opened.runtime.startService(web, 'create', never);
    await following;
    expect(seen).toEqual([expect.stringContaining('start'), expect.stringContaining('start')]);
    expect(seen[0]).not.toBe(seen[1]);
  });

  it('starts the server once, keeps its data on down, and removes it on down with volumes', async () => {
    const postgres = {
      image: 'pgvector/pgvector:pg17',
      environment: { POSTGRES_PASSWORD: 'x' },
      volumes: ['data:/data'],
      stop_grace_period: '1s',
    };
    const opened = await open({ postgres, web: toy(serve) });
    const [server] = composeProject({ name: 'x', files: [], services: [] }).servers;
    if (server === undefined) throw new Error('no server');
    expect(await opened.runtime.startServer(server, [], never)).toBe('started');
    expect(await opened.again().runtime.startServer(server, [], never)).toBe('running');
    await opened.runtime.startService(opened.service('web'), 'create', never);
    const { name } = opened.fixture;
    const services = [opened.service('web')];
    const removed = await opened.runtime.down(services, { volumes: false });
    expect(removed.toSorted()).toEqual([`${name}-postgres-1`, `${name}-web-1`, `${name}_default`]);
    expect(await opened.runtime.down(services, { volumes: true })).toEqual([`${name}_data`]);
    expect(await opened.runtime.down(services, { volumes: true })).toEqual([]);
  });
});

suite(`the Compose runtime with the socket alone ${docker.reason}`, () => {
  function socketRuntime(opened: Opened): Runtime {
    if (docker.engine === undefined) throw new Error(docker.reason);
    const project = composeProject({ name: 'config-name', files: [], services: [{ name: 'web' }] });
    const { engine } = docker;
    return openComposeRuntime({
      project,
      engine,
      environment: {},
      composeProject: opened.fixture.name,
      clock: realClock,
    });
  }

  it('starts what docker compose has created, waits for it, and stops it', async () => {
    const opened = await open({ web: toy(serve, health(check)) });
    await opened.fixture.compose(['create']);
    const runtime = socketRuntime(opened);
    const web = opened.service('web');
    const found = await runtime.observe([web], { rebuild: false });
    expect(found.get('web')).toMatchObject({ state: 'created', upToDate: true });
    await runtime.startService(web, 'start', never);
    await runtime.waitHealthy(web, never);
    expect(await runtime.down([web], { volumes: false })).toEqual([`${opened.fixture.name}-web-1`]);
    expect(await opened.fixture.containers()).toMatchObject({ web: { state: 'exited' } });
  });

  it('creates nothing', async () => {
    const opened = await open({ web: toy(serve) });
    const failure = await failureOf(socketRuntime(opened).startService(opened.service('web'), 'create', never));
    expect(failure).toMatchObject({ code: 'service-not-started' });
    expect(await opened.fixture.containers()).toEqual({});
  });

  it('names the address of a port that is taken', async () => {
    const free = await takePort();
    await free.release();
    const opened = await open({ web: toy(serve, { ports: [`127.0.0.1:${free.port}:80`] }) });
    await opened.fixture.compose(['create']);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(free.port, '127.0.0.1', resolve));
    const failure = await failureOf(socketRuntime(opened).startService(opened.service('web'), 'start', never));
    await new Promise<void>((resolve) => taken.close(() => resolve()));
    expect(failure).toMatchObject({ code: 'port-taken', details: { address: `127.0.0.1:${free.port}` } });
  });
});

/** Command lines of this machine's processes that name the project. */
async function processesNaming(project: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(project)).map((line) => line.replaceAll('\0', ' '));
}
