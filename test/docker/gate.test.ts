import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { sampleServices } from '../support/sample-images.ts';
import { createSampleSystem, type SampleContainer, type SampleSystem } from '../support/sample-system.ts';

const { reason } = inject('sampleImages');

/** What stays the same as long as nobody touches the services' containers. */
function servicesOf(containers: Readonly<Record<string, SampleContainer>>): unknown {
  return sampleServices.map((service) => [service, containers[service]?.id, containers[service]?.startedAt]);
}

// In order: each test goes on from where the one before ends, as bringing PostgreSQL up anew for each takes seconds.
describe.skipIf(reason !== '')(`docker compose up with the gate ${reason}`, () => {
  let sample: SampleSystem;

  beforeAll(async () => {
    sample = await createSampleSystem();
  });
  afterAll(() => sample.remove());

  it('brings everything up with nothing else: services start once the orchestrator has ended with 0', async () => {
    const up = await sample.compose(['up', '--detach', '--wait']);
    const { orchestrator, ...others } = await sample.containers();
    expect(orchestrator, up.output).toMatchObject({ state: 'exited', exitCode: 0 });
    for (const service of sampleServices) {
      expect(others[service], service).toMatchObject({ state: 'running', health: 'healthy' });
      const started = Date.parse(others[service]?.startedAt ?? '');
      expect(started, service).toBeGreaterThanOrEqual(Date.parse(orchestrator?.finishedAt ?? ''));
      expect(await sample.health(service)).toMatchObject({ status: 200, body: { service, status: 'ready' } });
    }
  });

  it('touches no service the second time', async () => {
    const before = servicesOf(await sample.containers());
    expect(await sample.compose(['up', '--detach'])).toMatchObject({ code: 0 });
    const after = await sample.containers();
    expect(servicesOf(after)).toEqual(before);
    expect(after.orchestrator).toMatchObject({ state: 'exited', exitCode: 0 });
    expect((await sample.compose(['logs', '--no-color', 'orchestrator'])).output).toContain('Nothing to do');
  });

  it('ends with 5 where a revision fails, and lets the services that run alone', async () => {
    await sample.write('services/api-user/revisions/006_broken.up.sql', 'SELECT no_such_column;\n');
    const before = servicesOf(await sample.containers());
    const up = await sample.compose(['up', '--detach']);
    expect(up.code).not.toBe(0);
    expect(up.output).toContain('orchestrator');
    const after = await sample.containers();
    expect(after.orchestrator).toMatchObject({ state: 'exited', exitCode: 5 });
    expect(servicesOf(after)).toEqual(before);
    expect(await sample.health('api-user')).toMatchObject({ status: 200, body: { revision: '005_full_name_index' } });
  });

  it('starts no service where a revision fails', async () => {
    expect(await sample.compose(['down'])).toMatchObject({ code: 0 });
    expect((await sample.compose(['up', '--detach'])).code).not.toBe(0);
    const { orchestrator, postgres, ...services } = await sample.containers();
    expect(orchestrator).toMatchObject({ state: 'exited', exitCode: 5 });
    expect(postgres).toMatchObject({ state: 'running' });
    for (const { state } of Object.values(services)) expect(state).toBe('created');
    await sample.delete('services/api-user/revisions/006_broken.up.sql');
  });

  it('as PID 1 rolls back a long revision on SIGTERM and ends with 143 before Docker would kill it', async () => {
    const slow = 'CREATE TABLE left_behind (); SELECT pg_sleep(600);\n';
    await sample.write('services/api-auth/revisions/004_slow.up.sql', slow);
    await sample.compose(['up', '--detach', 'orchestrator']);
    await runsStatement(sample, 'pg_sleep');
    // SIGTERM, and SIGKILL 10 s later: the exit code would be 137.
    await sample.compose(['stop', '--timeout', '10', 'orchestrator']);
    const { orchestrator } = await sample.containers();
    expect(orchestrator).toMatchObject({ state: 'exited', exitCode: 143 });
    const [left] = await sample.sql(
      'authdb',
      `SELECT to_regclass('left_behind') AS kept,
         (SELECT count(*)::int FROM orch.ledger WHERE name = '004_slow') AS recorded,
         (SELECT count(*)::int FROM pg_stat_activity WHERE application_name LIKE 'orch%') AS sessions`,
    );
    expect(left).toEqual({ kept: null, recorded: 0, sessions: 0 });
    await sample.delete('services/api-auth/revisions/004_slow.up.sql');
    expect(await sample.compose(['up', '--detach', '--wait'])).toMatchObject({ code: 0 });
  });
});

/** Resolves once a session of the revision's owner runs a statement with these words. */
async function runsStatement(sample: SampleSystem, words: string): Promise<void> {
  const text = `SELECT pid FROM pg_stat_activity WHERE query LIKE '%${words}%' AND usename = 'auth_owner' AND state = 'active'`;
  await vi.waitFor(async () => expect(await sample.sql('authdb', text)).not.toEqual([]), {
    timeout: 60_000,
    interval: 100,
  });
}
