import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findEngine, requireEngine } from '../../src/adapters/compose/find-engine.ts';
import { failureOf } from '../support/compose-project.ts';
import { brokenAnswers, type FakeEngine, startFakeEngine } from '../support/fake-engine.ts';

const nowhere = '/nonexistent/docker.sock';
const works = (_request: unknown, response: import('node:http').ServerResponse): void => {
  response.end('OK');
};

let home: string;
let fakes: FakeEngine[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'orch-home-'));
  fakes = [];
});

afterEach(async () => {
  await Promise.all(fakes.map((fake) => fake.stop()));
  await rm(home, { recursive: true, force: true });
});

async function fake(answer: Parameters<typeof startFakeEngine>[0] = works): Promise<FakeEngine> {
  const engine = await startFakeEngine(answer);
  fakes.push(engine);
  return engine;
}

async function writeContext(name: string, host: string): Promise<void> {
  const folder = join(home, '.docker', 'contexts', 'meta', createHash('sha256').update(name).digest('hex'));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }));
  await writeFile(join(home, '.docker', 'config.json'), JSON.stringify({ currentContext: name }));
}

describe('finding a Docker engine', () => {
  it('takes DOCKER_HOST before everything else', async () => {
    const [wanted, other] = [await fake(), await fake()];
    await writeContext('other', `unix://${other.socket}`);
    const { engine } = await findEngine(
      { DOCKER_HOST: `unix://${wanted.socket}`, HOME: home },
      { systemSocket: other.socket },
    );
    expect(engine).toMatchObject({ how: 'DOCKER_HOST', address: { path: wanted.socket } });
    expect(other.requests).toEqual([]);
  });

  it('takes the docker context in use, and makes the CLI use it too', async () => {
    const [wanted, other] = [await fake(), await fake()];
    await writeContext('rootless', `unix://${wanted.socket}`);
    const { engine } = await findEngine({ HOME: home }, { systemSocket: other.socket });
    expect(engine).toMatchObject({ how: 'docker context rootless', environment: { DOCKER_CONTEXT: 'rootless' } });
  });

  it('takes the system socket, and makes the CLI use it too', async () => {
    const wanted = await fake();
    const { engine, tried } = await findEngine({ HOME: home }, { systemSocket: wanted.socket });
    expect(engine?.environment).toEqual({ DOCKER_HOST: `unix://${wanted.socket}` });
    expect(tried).toEqual([]);
  });

  it('takes the rootless socket where the system has none, and says why not the other', async () => {
    const wanted = await fake();
    const runtimeFolder = join(wanted.socket, '..');
    const search = await findEngine({ HOME: home, XDG_RUNTIME_DIR: runtimeFolder }, { systemSocket: nowhere });
    expect(search.engine?.address).toEqual({ kind: 'socket', path: wanted.socket });
    expect(search.tried).toEqual([`unix://${nowhere}: there is no socket`]);
  });

  it('tries no other engine where the one that DOCKER_HOST names does not answer', async () => {
    const other = await fake();
    const search = await findEngine({ DOCKER_HOST: `unix://${nowhere}`, HOME: home }, { systemSocket: other.socket });
    expect(search).toEqual({ engine: undefined, tried: [`DOCKER_HOST unix://${nowhere}: there is no socket`] });
  });

  it('says that nobody listens where the socket is only a leftover file', async () => {
    const left = join(home, 'left.sock');
    await leaveSocket(left);
    const { tried } = await findEngine({ HOME: home }, { systemSocket: left });
    expect(tried).toEqual([`unix://${left}: nobody listens there`]);
  });

  it.each([
    ['ssh://me@host', 'ssh:// is not supported'],
    ['ftp://host', 'unknown scheme ftp://'],
    ['unix://', 'it names no path'],
    ['tcp://a b', 'it is no host and port'],
  ])('says what is wrong with DOCKER_HOST=%s', async (host, reason) => {
    const { tried } = await findEngine({ DOCKER_HOST: host, HOME: home });
    expect(tried).toEqual([expect.stringContaining(reason)]);
  });

  it.each(Object.entries(brokenAnswers))('finds none where the one that is there %s', async (_name, answer) => {
    const broken = await fake(answer);
    const failure = await failureOf(requireEngine({ HOME: home }, { systemSocket: broken.socket, timeout: 300 }));
    expect(failure).toMatchObject({
      code: 'docker-unavailable',
      details: { what: 'no-engine', tried: [expect.stringContaining(broken.socket)] },
    });
    expect(broken.requests).toEqual(['GET /_ping']);
  });
});

/** A socket file that nobody listens on any more, as a killed engine leaves it. */
async function leaveSocket(path: string): Promise<void> {
  const server: Server = createServer();
  const kept = `${path}.kept`;
  await new Promise<void>((resolve) => server.listen(kept, resolve));
  // Node removes the file it made when it closes; renamed, it stays.
  await rename(kept, path);
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
