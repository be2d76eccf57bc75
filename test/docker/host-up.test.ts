import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { sampleServices } from '../support/sample-images.ts';
import { createSampleSystem, type SampleSystem } from '../support/sample-system.ts';

const { reason } = inject('sampleImages');

// In order: each test goes on from where the one before ends.
describe.skipIf(reason !== '')(`orch from the host, on the sample's own compose file ${reason}`, () => {
  let sample: SampleSystem;

  beforeAll(async () => {
    sample = await createSampleSystem();
  });
  afterAll(() => sample.remove());

  /** Id and start of each container: what no command changes that has nothing to do with it. */
  async function runs(...services: readonly string[]): Promise<unknown> {
    const containers = await sample.containers();
    return services.map((service) => [service, containers[service]?.id, containers[service]?.startedAt]);
  }

  async function applied(database: string): Promise<readonly unknown[]> {
    const rows = await sample.sql(database, `SELECT name FROM orch.ledger WHERE kind = 'revision' ORDER BY sequence`);
    return rows.map(({ name }) => name);
  }

  it('brings the three services from nothing to healthy, and prints where they answer', async () => {
    const up = await sample.orch(['up']);
    expect(up.code, up.output).toBe(0);
    const containers = await sample.containers();
    for (const service of sampleServices) {
      expect(up.stdout).toMatch(new RegExp(`${service} .* http://127\\.0\\.0\\.1:${sample.ports[service]} `));
      expect(containers[service]).toMatchObject({ state: 'running', health: 'healthy' });
      expect(await sample.health(service)).toMatchObject({ status: 200, body: { service, status: 'ready' } });
    }
    expect(containers).not.toHaveProperty('orchestrator');
  });

  it('has nothing to do the second time, and touches no container', async () => {
    const before = await runs('postgres', ...sampleServices);
    const up = await sample.orch(['up']);
    expect(up).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to do: 3 services at head and running'),
    });
    expect(await runs('postgres', ...sampleServices)).toEqual(before);
  });

  it('lets the old container of a service run whose revision fails, while the others go on', async () => {
    await sample.write(
      'services/api-user/revisions/006_broken.up.sql',
      'CREATE TABLE half (); SELECT no_such_column;\n',
    );
    await sample.write('services/api-auth/revisions/004_notes.up.sql', 'CREATE TABLE notes (text text);\n');
    await change('api-user', 'apidb');
    await change('api-admin', 'admindb');
    const before = await runs('api-auth', 'api-user');
    const [admin] = (await runs('api-admin')) as unknown[];
    const up = await sample.orch(['up']);
    expect(up.code, up.output).toBe(5);
    expect(up.stderr).toContain('006_broken');
    expect(await runs('api-auth', 'api-user')).toEqual(before);
    expect(await sample.health('api-user')).toMatchObject({ status: 200, body: { revision: '005_full_name_index' } });
    expect(await sample.sql('apidb', `SELECT to_regclass('half') AS half`)).toEqual([{ half: null }]);
    expect(await applied('authdb')).toContain('004_notes');
    expect(await runs('api-admin')).not.toEqual([admin]);
    expect(await sample.health('api-admin')).toMatchObject({ status: 200 });
  });

  it('replaces that container once its revision is mended, and no other', async () => {
    await sample.write('services/api-user/revisions/006_broken.up.sql', 'SELECT 1;\n');
    const before = await runs('postgres', 'api-auth', 'api-admin');
    const [user] = (await runs('api-user')) as unknown[];
    const up = await sample.orch(['up']);
    expect(up.code, up.output).toBe(0);
    expect(await runs('postgres', 'api-auth', 'api-admin')).toEqual(before);
    expect(await runs('api-user')).not.toEqual([user]);
    expect(await sample.health('api-user')).toMatchObject({ status: 200, body: { revision: '006_broken' } });
  });

  it('says in `status` what is pending, with exit code 3, and changes nothing', async () => {
    expect(await sample.orch(['status'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('running (healthy)'),
    });
    await sample.write('services/api-admin/revisions/004_more.up.sql', 'CREATE TABLE more ();\n');
    const before = await runs(...sampleServices);
    const status = await sample.orch(['status']);
    expect(status.code, status.output).toBe(3);
    expect(status.stdout).toMatch(/api-admin .*004_more/);
    expect(await applied('admindb')).not.toContain('004_more');
    expect(await runs(...sampleServices)).toEqual(before);
  });

  it('applies a good new revision without a restart of any service', async () => {
    const before = await runs('postgres', ...sampleServices);
    const up = await sample.orch(['up']);
    expect(up.code, up.output).toBe(0);
    expect(await applied('admindb')).toContain('004_more');
    expect(await runs('postgres', ...sampleServices)).toEqual(before);
    expect(await sample.health('api-admin')).toMatchObject({ body: { revision: '004_more' } });
  });

  it('builds the images anew with --build, and replaces a container only where its image is another', async () => {
    // The images of the global set-up carry another project's label: the first build makes them this project's.
    expect(await sample.orch(['up', '--build'])).toMatchObject({ code: 0 });
    const before = await runs('api-auth', 'api-admin');
    const [user] = (await runs('api-user')) as unknown[];
    await sample.replace('services/api-user/src/main.ts', 'maxBody: 16 * 1024', 'maxBody: 17 * 1024');
    const up = await sample.orch(['up', '--build']);
    expect(up.code, up.output).toBe(0);
    expect(await runs('api-auth', 'api-admin')).toEqual(before);
    expect(await runs('api-user')).not.toEqual([user]);
    expect(await sample.health('api-user')).toMatchObject({ status: 200 });
  });

  /** Other config, so that the container has to be replaced. */
  async function change(service: string, database: string): Promise<void> {
    const line = `      DATABASE_NAME: ${database}\n`;
    await sample.replace('compose/compose.yaml', line, `${line}      CHANGED: ${service}\n`);
  }
});
