import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { docker } from '../support/compose-toys.ts';
import { startEngineProxy } from '../support/engine-proxy.ts';
import { sampleServices } from '../support/sample-images.ts';
import { createSampleSystem, type SampleSystem } from '../support/sample-system.ts';

const { reason } = inject('sampleImages');
const userImage = 'services/api-user/Dockerfile';

describe.skipIf(reason !== '')(`orch from the host, where something is wrong ${reason}`, () => {
  let sample: SampleSystem;

  beforeAll(async () => {
    sample = await createSampleSystem();
    const up = await sample.orch(['up']);
    expect(up.code, up.output).toBe(0);
  });
  afterAll(() => sample.remove());

  async function applied(database: string): Promise<readonly unknown[]> {
    return (await sample.sql(database, 'SELECT name FROM orch.ledger')).map(({ name }) => name);
  }

  /** Changes a file for one test, or makes one. */
  async function change(file: string, from: string, to: string): Promise<() => Promise<void>> {
    const before = await sample.read(file);
    await sample.replace(file, from, to);
    const undo = (): Promise<void> => sample.write(file, before);
    onTestFinished(undo);
    return undo;
  }

  async function addRevision(file: string): Promise<void> {
    await sample.write(file, 'SELECT 1;\n');
    onTestFinished(() => sample.delete(file));
  }

  it('names what it tried where no engine answers, with exit code 12', async () => {
    const before = await sample.containers();
    const nowhere = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
    for (const command of [['up'], ['status'], ['logs'], ['down']]) {
      const ended = await sample.orch([...command, '--runtime', 'compose'], nowhere);
      expect(ended.code, ended.output).toBe(12);
      expect(ended.stderr).toContain('no Docker engine answers');
      expect(ended.stderr).toContain('unix:///nonexistent/docker.sock');
      expect(ended.stderr).toContain('no container was touched');
      expect(ended.stderr).not.toMatch(/\n {4}at /);
    }
    expect(await sample.containers()).toEqual(before);
  });

  it('refuses an invalid compose file with exit code 2, before anything is touched', async () => {
    await change('compose/compose.yaml', 'services:\n', 'services:\n  - [\n');
    await addRevision('services/api-auth/revisions/004_later.up.sql');
    const before = await sample.containers();
    const up = await sample.orch(['up']);
    expect(up.code, up.output).toBe(2);
    expect(up.stderr).toContain('Compose refuses compose/compose.yaml');
    expect(up.stderr).toContain('nothing was done');
    expect(await sample.containers()).toEqual(before);
    expect(await applied('authdb')).not.toContain('004_later');
  });

  it('applies no revision of a service whose image does not build, and shows why it does not', async () => {
    await change(userImage, 'USER node\n', 'RUN echo no way on >&2 && exit 3\nUSER node\n');
    await addRevision('services/api-user/revisions/006_later.up.sql');
    const before = await sample.containers();
    const up = await sample.orch(['up', 'api-user', '--build']);
    expect(up.code, up.output).toBe(11);
    expect(up.stderr).toContain('the image of api-user did not build');
    expect(up.stderr).toContain('no way on');
    expect((await sample.containers())['api-user']).toEqual(before['api-user']);
    expect(await applied('apidb')).not.toContain('006_later');
  });

  it('shows what an unhealthy service answers, with the end of its log, and lets the others run', async () => {
    const file = 'services/api-user/service.yaml';
    // A database without a ledger: the service answers, and says that it is not ready.
    const undo = [
      await change('compose/compose.yaml', 'DATABASE_NAME: apidb', 'DATABASE_NAME: postgres'),
      await change(file, 'timeout: 60s', 'timeout: 3s'),
    ];
    const before = await sample.containers();
    const up = await sample.orch(['up']);
    expect(up.code, up.output).toBe(11);
    expect(up.stderr).toMatch(/api-user is not healthy after \d/);
    expect(up.stderr).toContain('| api-user listens on');
    expect(up.stderr).toMatch(/\/health {2}503 .*no revision is applied/);
    const after = await sample.containers();
    for (const service of ['api-auth', 'api-admin']) expect(after[service], service).toEqual(before[service]);
    const status = await sample.orch(['status']);
    expect(status.stdout).toMatch(/api-user .*(starting|unhealthy)/);
    for (const each of undo) await each();
    expect(await sample.orch(['up'])).toMatchObject({ code: 0 });
    expect(await sample.health('api-user')).toMatchObject({ status: 200 });
  });

  const address = docker.engine?.address;
  const socket = address?.kind === 'socket' ? address.path : '';

  it.skipIf(socket === '')('does not claim that nothing was touched where the engine goes away midway', async () => {
    await change('compose/compose.yaml', 'DATABASE_NAME: apidb', 'DATABASE_NAME: apidb\n      CHANGED: "1"');
    const proxy = await startEngineProxy(socket);
    proxy.goAwayAt(/^POST \/containers\/create$/);
    const up = await sample.orch(['up'], { DOCKER_HOST: `unix://${proxy.socket}` });
    await proxy.stop();
    expect(up.code, up.output).toBe(12);
    expect(up.stderr).toContain('the Docker engine does not answer any more');
    expect(up.stderr).not.toContain('no container was touched');
    expect(up.stderr).not.toMatch(/\n {4}at /);
    expect(await sample.orch(['up'])).toMatchObject({ code: 0 });
    for (const service of sampleServices) expect(await sample.health(service)).toMatchObject({ status: 200 });
  });
});
