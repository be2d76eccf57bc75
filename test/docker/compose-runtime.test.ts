import { afterEach, describe, expect, it } from 'vitest';
import { composeProject } from '../support/compose-project.ts';
import {
  check,
  collect,
  docker,
  health,
  image,
  never,
  observeOne,
  open,
  removeToys,
  serve,
  takePort,
  toy,
} from '../support/compose-toys.ts';

const suite = describe.skipIf(docker.engine === undefined);

afterEach(removeToys);

suite(`the Compose runtime with the Compose CLI ${docker.reason}`, { timeout: 60_000 }, () => {
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
