import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openComposeRuntime } from '../../src/adapters/compose/runtime.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import { composeProject, failureOf, realClock } from '../support/compose-project.ts';
import {
  check,
  docker,
  health,
  never,
  type Opened,
  open,
  removeToys,
  serve,
  takePort,
  toy,
} from '../support/compose-toys.ts';

const suite = describe.skipIf(docker.engine === undefined);

afterEach(removeToys);

suite(`the Compose runtime with the socket alone ${docker.reason}`, { timeout: 60_000 }, () => {
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
