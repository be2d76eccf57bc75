import { onTestFinished } from 'vitest';
import type { Random } from '../../config/random.ts';
import { check, health, serve, takePort, toy } from '../../support/compose-toys.ts';
import { docker, findDocker, removeProject } from '../../support/docker.ts';
import { startEngineProxy } from '../../support/engine-proxy.ts';
import { brokenAnswers, startFakeEngine } from '../../support/fake-engine.ts';
import { until } from '../../support/local-service.ts';
import type { Ended, RunningOrch } from '../../support/orch.ts';
import type { Row, Scene } from '../row.ts';
import type { Stage } from '../stage.ts';
import { history } from '../workload.ts';

const up = ['up', '--runtime', 'compose'];

/** A service with a container, of which the row writes what the Compose file says, and one that needs it. */
function scene(draw: Random): Scene {
  const health = 'health: { timeout: 4s }';
  return {
    services: {
      'api-a': { revisions: history(draw), yaml: `container: web\n${health}` },
      'api-b': { revisions: history(draw), yaml: `container: later\n${health}`, needs: ['api-a'] },
    },
    applied: 0,
    yaml: 'compose: { files: [compose.yaml] }',
  };
}

const healthy = toy(serve, health(check));

async function writeCompose(stage: Stage, web: Readonly<Record<string, unknown>>): Promise<void> {
  const name = composeName(stage);
  if (!known.has(stage)) onTestFinished(() => removeProject(name));
  known.add(stage);
  // JSON is YAML.
  await stage.project.write('compose.yaml', JSON.stringify({ name, services: { web, later: healthy } }));
}

const known = new WeakSet<Stage>();

function composeName(stage: Stage): string {
  return `orchtest-${stage.project.database('x').split('_').at(-1)}`;
}

async function socketPath(): Promise<string> {
  const address = (await findDocker()).engine?.address;
  if (address?.kind !== 'socket') throw new Error('the engine has no socket');
  return address.path;
}

function environment(stage: Stage, socket: string): Readonly<Record<string, string>> {
  return { DOCKER_HOST: `unix://${socket}`, COMPOSE_PROJECT_NAME: composeName(stage) };
}

async function upWith(stage: Stage, web: Readonly<Record<string, unknown>>): Promise<readonly Ended[]> {
  await writeCompose(stage, web);
  stage.hit = true;
  return [await stage.startDirect(up, environment(stage, await socketPath())).ended];
}

/** Runs `up` through an engine that can be watched and taken away. */
async function throughProxy(
  stage: Stage,
  fault: (proxy: Awaited<ReturnType<typeof startEngineProxy>>, run: RunningOrch) => Promise<void>,
): Promise<readonly Ended[]> {
  await writeCompose(stage, healthy);
  const proxy = await startEngineProxy(await socketPath());
  onTestFinished(() => proxy.stop());
  const run = stage.startDirect(up, environment(stage, proxy.socket));
  await fault(proxy, run);
  stage.hit = true;
  return [await run.ended];
}

/** What orch finds out before it changes anything must leave nothing: not even the database. */
async function expectUntouched(stage: Stage, ended: readonly Ended[]): Promise<readonly Ended[]> {
  const databases = ['api-a', 'api-b'].map((name) => `'${stage.project.database(name)}'`);
  const found = await stage.project.sql(undefined, `SELECT FROM pg_database WHERE datname IN (${databases.join()})`);
  if (found.length > 0) stage.complaints.push('a database was made before');
  return await expectContainers(stage, ended, []);
}

/** @param services of which there are containers: one that needs a service that did not start is not started either */
async function expectContainers(
  stage: Stage,
  ended: readonly Ended[],
  services: readonly string[],
): Promise<readonly Ended[]> {
  const found = await containers(stage);
  const names = found.map(({ service }) => service);
  if (names.join() !== services.join()) stage.complaints.push(`then there are containers of: ${names.join()}`);
  return ended;
}

/** In order of their names. */
async function containers(stage: Stage): Promise<readonly { readonly service: string; readonly state: string }[]> {
  const filter = `label=com.docker.compose.project=${composeName(stage)}`;
  const format = '{{.Label "com.docker.compose.service"}} {{.State}}';
  const lines = (await docker(['ps', '-a', '--filter', filter, '--format', format])).split('\n').filter(Boolean);
  return lines.sort().map((line) => {
    const [service = '', state = ''] = line.split(' ');
    return { service, state };
  });
}

const creations = [/^POST \/containers\/create$/, /^POST \/containers\/[^/]+\/start$/] as const;

const toContainers = {
  group: 'services',
  need: 'docker',
  weight: 2,
  quick: 0,
  scene,
  again: (stage: Stage) => stage.startDirect(up, environment(stage, engineSocket.now)),
  check: async (stage: Stage) => {
    const states = (await containers(stage)).map(({ service, state }) => `${service} ${state}`).join(', ');
    return states === 'later running, web running' ? [] : [`the containers are: ${states}`];
  },
} as const;

/** Known once any row has asked for it; `again` cannot wait. */
const engineSocket = { now: '' };

async function mendCompose(stage: Stage): Promise<void> {
  engineSocket.now = await socketPath();
  await writeCompose(stage, healthy);
}

export const servicesRows: readonly Row[] = [
  {
    ...toContainers,
    name: 'kill -9 while a container is made or started',
    quick: 1,
    inject: (stage) =>
      throughProxy(stage, async (proxy, run) => {
        const wanted = stage.draw.pick(creations);
        await until('a container is made', () => proxy.requests.some((request) => wanted.test(request)));
        run.child.kill('SIGKILL');
      }),
    ends: { SIGKILL: [] },
    mend: mendCompose,
  },
  {
    ...toContainers,
    name: 'the Docker engine goes away while a container is made or started',
    inject: (stage) => throughProxy(stage, async (proxy) => proxy.goAwayAt(stage.draw.pick(creations))),
    ends: { 12: [/the Docker engine does not answer any more/, /orch status/, /orch up/] },
    mend: mendCompose,
  },
  {
    ...toContainers,
    name: 'a Docker engine that is broken',
    weight: 6,
    quick: 1,
    inject: async (stage) => {
      await writeCompose(stage, healthy);
      const fake = await startFakeEngine(brokenAnswers[stage.draw.pick(kinds)]);
      onTestFinished(() => fake.stop());
      stage.hit = true;
      return [await stage.startDirect(up, environment(stage, fake.socket)).ended];
    },
    ends: { 12: [/Docker/, /docker info/] },
    mend: mendCompose,
  },
  {
    ...toContainers,
    name: 'a service that is not healthy',
    inject: async (stage) =>
      await expectContainers(stage, await upWith(stage, toy(serve, health('process.exit(1)'))), ['web']),
    ends: { 11: [/api-a is not healthy after/, /orch logs api-a/] },
    mend: mendCompose,
  },
  {
    ...toContainers,
    name: 'a service that ends again and again',
    inject: async (stage) => {
      const ends = toy("console.error('no way on');process.exit(3)", { restart: 'always' });
      return await expectContainers(stage, await upWith(stage, ends), ['web']);
    },
    ends: { 11: [/no way on/, /orch logs api-a/] },
    mend: mendCompose,
  },
  {
    ...toContainers,
    name: 'an image that is not there',
    inject: async (stage) => {
      const missing = { ...healthy, image: 'localhost:1/orch-test-no-such-image:1' };
      const policy = stage.draw.pick(['missing', 'never'] as const);
      return await expectUntouched(stage, await upWith(stage, { ...missing, pull_policy: policy }));
    },
    ends: {
      11: [/image \S*orch-test-no-such-image:1/, /nothing was applied/, /docker compose .*pull/, /orch up api-a/],
    },
    mend: mendCompose,
  },
  {
    ...toContainers,
    name: 'a port that is taken',
    inject: async (stage) => {
      const { port, release } = await takePort();
      const ended = await upWith(stage, { ...healthy, ports: [`127.0.0.1:${port}:80`] });
      await release();
      return await expectContainers(stage, ended, []);
    },
    ends: { 11: [/is taken by another program/, /ss -ltnp/] },
    mend: mendCompose,
  },
  {
    ...toContainers,
    name: 'a Compose file that is not valid',
    inject: async (stage) => await expectUntouched(stage, await upWith(stage, stage.draw.pick(invalid))),
    ends: { 2: [/Compose refuses compose\.yaml/, /docker compose -f compose\.yaml config --quiet/] },
    mend: mendCompose,
  },
];

/** What Compose's schema refuses in a service. */
const invalid: readonly Readonly<Record<string, unknown>>[] = [
  { image: ['no', 'image'] },
  { ...healthy, no_such_key: 1 },
  { ...healthy, ports: 'x:y:z' },
  { ...healthy, environment: 3 },
  { ...healthy, depends_on: ['nobody'] },
  { ...healthy, command: '${UNCLOSED' },
  {},
];

const kinds = Object.keys(brokenAnswers) as (keyof typeof brokenAnswers)[];
