import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { engineCalls } from '../../src/adapters/compose/engine-calls.ts';
import { docker } from '../support/compose-toys.ts';
import { type EngineProxy, startEngineProxy } from '../support/engine-proxy.ts';
import { sampleServices } from '../support/sample-images.ts';
import { type CliEnded, createSampleSystem, type SampleSystem } from '../support/sample-system.ts';

const { reason } = inject('sampleImages');
const address = docker.engine?.address;
const socket = address?.kind === 'socket' ? address.path : '';
// A Docker Desktop's engine lives in a machine of its own, where a socket of this one can't be mounted.
const missing =
  reason === '' && (socket === '' || process.platform !== 'linux') ? 'no engine on a socket of this machine' : reason;

describe.skipIf(missing !== '')(`docker compose with the socket override ${missing}`, () => {
  let sample: SampleSystem;
  let proxy: EngineProxy;

  beforeAll(async () => {
    sample = await createSampleSystem();
    proxy = await startEngineProxy(socket);
    await sample.write('compose/proxy.yaml', mount(proxy.socket));
  });
  afterAll(async () => {
    await sample.remove();
    await proxy.stop();
  });

  /** The override as it is, and for what it does not know: the test's own mount of a socket. */
  async function compose(args: readonly string[], more: readonly string[] = []): Promise<CliEnded> {
    const { gid } = await stat(socket);
    const files = ['compose/compose.socket.yaml', ...more];
    return sample.compose(args, { files, env: { DOCKER_GID: String(gid) } });
  }

  it('starts those created containers whose databases are ready, and not the one whose revision fails', async () => {
    await sample.write('services/api-user/revisions/006_broken.up.sql', 'SELECT no_such_column;\n');
    const more = ['compose/proxy.yaml'];
    expect(await compose(['create'], more)).toMatchObject({ code: 0 });
    const created = await sample.containers();
    const up = await compose(['up', '--no-color', 'orchestrator'], more);
    const { orchestrator, ...others } = await sample.containers();
    expect(orchestrator, up.output).toMatchObject({ exitCode: 5 });
    expect(others['api-user']).toEqual(created['api-user']);
    expect(others['api-user']).toMatchObject({ state: 'created' });
    for (const service of ['api-auth', 'api-admin'] as const) {
      expect(others[service]).toMatchObject({ id: created[service]?.id, state: 'running', health: 'healthy' });
      expect(await sample.health(service)).toMatchObject({ status: 200 });
    }
    // As soon as its database is ready: not after the orchestrator's end, as with the gate.
    expect(Date.parse(others['api-auth']?.startedAt ?? '')).toBeLessThan(Date.parse(orchestrator?.finishedAt ?? ''));
  });

  it('makes no call of the engine but those of the list, and creates nothing', () => {
    const allowed = Object.values(engineCalls).map(
      ({ method, path }) => new RegExp(`^${method} ${path.replace(/\{\w+\}/, '.+')}$`),
    );
    expect(proxy.requests).toContainEqual(expect.stringMatching(/^POST .*\/start$/));
    expect(proxy.requests.filter((request) => !allowed.some((call) => call.test(request)))).toEqual([]);
    expect(proxy.requests.filter((request) => !/^GET |\/start$/.test(request))).toEqual([]);
  });

  it('starts the rest once its revision is mended, and ends with 0', async () => {
    await sample.delete('services/api-user/revisions/006_broken.up.sql');
    const before = await sample.containers();
    // On the real socket, as a member of its group.
    const up = await compose(['up', '--no-color', 'orchestrator']);
    const { orchestrator, ...others } = await sample.containers();
    expect(orchestrator, up.output).toMatchObject({ state: 'exited', exitCode: 0 });
    expect(others['api-user']).toMatchObject({ id: before['api-user']?.id, state: 'running', health: 'healthy' });
    for (const service of ['api-auth', 'api-admin'] as const) expect(others[service]).toEqual(before[service]);
    for (const service of sampleServices) expect(await sample.health(service)).toMatchObject({ status: 200 });
  });
});

function mount(path: string): string {
  return `services:\n  orchestrator:\n    volumes: ['${path}:/var/run/docker.sock']\n`;
}
