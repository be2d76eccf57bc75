import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { takePort } from '../support/compose-toys.ts';
import { docker } from '../support/docker.ts';
import { sampleServices } from '../support/sample-images.ts';
import { createSampleSystem, type SampleSystem } from '../support/sample-system.ts';

const { reason } = inject('sampleImages');

// In order: each test goes on from where the one before ends.
describe.skipIf(reason !== '')(`operating the sample from the host ${reason}`, () => {
  let sample: SampleSystem;

  beforeAll(async () => {
    sample = await createSampleSystem();
    const up = await sample.orch(['up']);
    expect(up.code, up.output).toBe(0);
    await sample.sql(
      'apidb',
      `INSERT INTO profiles (user_id, email, first_name, last_name)
       VALUES (gen_random_uuid(), 'kept@example.org', 'Ada', 'Kept')`,
    );
  });
  afterAll(() => sample.remove());

  it('prints the last lines of one service', async () => {
    const logs = await sample.orch(['logs', 'api-auth', '--tail', '5']);
    expect(logs.code, logs.output).toBe(0);
    const lines = logs.stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(5);
    expect(logs.stdout).toContain('api-auth listens on');
    expect(logs.stdout).not.toContain('api-user');
  });

  it('resets one database: stops and starts exactly its service, and leaves the other databases alone', async () => {
    await register('lost@example.org');
    const before = await sample.containers();
    const databases = await oids();
    const reset = await sample.orch(['reset', 'authdb', '--yes']);
    expect(reset.code, reset.output).toBe(0);
    expect(reset.output).toContain('users');
    const after = await sample.containers();
    expect(after['api-auth']).toMatchObject({ id: before['api-auth']?.id, state: 'running', health: 'healthy' });
    expect(after['api-auth']?.startedAt).not.toBe(before['api-auth']?.startedAt);
    for (const service of ['postgres', 'api-user', 'api-admin'])
      expect(after[service], service).toEqual(before[service]);
    const { authdb, ...others } = databases;
    const now = await oids();
    expect(now).toMatchObject(others);
    expect(now.authdb).not.toBe(authdb);
    expect(await sample.sql('authdb', `SELECT email FROM users WHERE email = 'lost@example.org'`)).toEqual([]);
    expect(await sample.sql('apidb', 'SELECT count(*)::int AS profiles FROM profiles')).toEqual([{ profiles: 1 }]);
    expect(await sample.health('api-auth')).toMatchObject({ status: 200, body: { revision: '003_sessions' } });
  });

  it('takes all containers down and keeps the data', async () => {
    const down = await sample.orch(['down']);
    expect(down.code, down.output).toBe(0);
    expect(await sample.containers()).toEqual({});
    expect(await volumes()).toEqual([`${sample.name}_postgres-data`]);
  });

  it('names a port of a service that another program has, leaves no container of it, and starts the others', async () => {
    const port = await takePort(sample.ports['api-user']);
    const up = await sample.orch(['up']);
    expect(up.code, up.output).toBe(11);
    expect(up.stderr).toContain(`127.0.0.1:${sample.ports['api-user']} is taken by another program`);
    const containers = await sample.containers();
    expect(containers).not.toHaveProperty('api-user');
    for (const service of ['api-auth', 'api-admin']) expect(containers[service]).toMatchObject({ health: 'healthy' });
    await port.release();
    expect(await sample.orch(['up'])).toMatchObject({ code: 0 });
    expect(await sample.sql('apidb', 'SELECT count(*)::int AS profiles FROM profiles')).toEqual([{ profiles: 1 }]);
    for (const service of sampleServices) expect(await sample.health(service)).toMatchObject({ status: 200 });
  });

  it('refuses to delete data outside development, and touches nothing', async () => {
    const before = await sample.containers();
    await sample.replace('orchestrator.config.yaml', 'environment: development', 'environment: production');
    expect(await sample.orch(['down', '--volumes'])).toMatchObject({ code: 2 });
    expect(await sample.orch(['reset', 'authdb', '--yes'])).toMatchObject({ code: 2 });
    await sample.replace('orchestrator.config.yaml', 'environment: production', 'environment: development');
    expect(await sample.containers()).toEqual(before);
  });

  it('takes the data down too where it is told to', async () => {
    const down = await sample.orch(['down', '--volumes']);
    expect(down.code, down.output).toBe(0);
    expect(await sample.containers()).toEqual({});
    expect(await volumes()).toEqual([]);
  });

  it("names PostgreSQL's port where another program has it, and leaves no container", async () => {
    const port = await takePort(sample.ports.postgres);
    const up = await sample.orch(['up']);
    await port.release();
    expect(up.code, up.output).toBe(11);
    expect(up.stderr).toContain(`127.0.0.1:${sample.ports.postgres} is taken by another program`);
    expect(await sample.containers()).toEqual({});
  });

  async function register(email: string): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${sample.ports['api-auth']}/users`, {
      method: 'POST',
      body: JSON.stringify({ email, password: 'a long password' }),
    });
    expect(response.status).toBe(201);
  }

  async function oids(): Promise<Readonly<Record<string, unknown>>> {
    const rows = await sample.sql(
      'postgres',
      `SELECT datname, oid FROM pg_database WHERE datname IN ('authdb', 'apidb', 'admindb')`,
    );
    return Object.fromEntries(rows.map(({ datname, oid }) => [String(datname), oid]));
  }

  async function volumes(): Promise<readonly string[]> {
    const filter = `label=com.docker.compose.project=${sample.name}`;
    return (await docker(['volume', 'ls', '--quiet', '--filter', filter])).split('\n').filter((name) => name !== '');
  }
});
