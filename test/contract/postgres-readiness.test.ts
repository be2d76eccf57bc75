import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { PostgresReadiness } from '../../src/adapters/postgres/readiness.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { Probe } from '../../src/core/failure.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Location } from '../../src/ports/database.ts';
import { fatal, startFakeServer } from '../support/fake-server.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { adminLocation, createDatabase, ownerLocation, runAsAdmin, testServer } from '../support/test-database.ts';

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(async () => {
  await postgres?.stop();
});

/** Time that passes only while something waits for it. */
function fastClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      now += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

interface Asked {
  readonly probes: Probe[];
  readonly error: { code: string; details: Record<string, unknown> } | undefined;
}

async function ask(location: Location, timeout: number, clock: Clock = fastClock()): Promise<Asked> {
  const readiness = new PostgresReadiness(new PostgresDatabase({ run: 'readiness' }), clock);
  const probes: Probe[] = [];
  const error = await readiness
    .waitReady(
      { server: testServer(postgres), location },
      { timeout, signal: new AbortController().signal, onProbe: (probe) => probes.push(probe) },
    )
    .then(
      () => undefined,
      (thrown: Asked['error']) => thrown,
    );
  return { probes, error };
}

it('a server that serves is ready without a word', async () => {
  expect(await ask(adminLocation(postgres), 10_000)).toEqual({ probes: [], error: undefined });
});

it('a refused connection is asked again until the deadline', async () => {
  const dead = await startFakeServer();
  await dead.close();
  const { probes, error } = await ask({ ...adminLocation(postgres), port: dead.port }, 60_000);
  expect(new Set(probes)).toEqual(new Set(['tcp']));
  expect(error).toMatchObject({
    code: 'server-unreachable',
    details: {
      server: 'main',
      port: dead.port,
      probe: 'tcp',
      reason: expect.stringContaining('ECONNREFUSED'),
      waited: 60_000,
    },
  });
});

it('a server that accepts and never answers costs one attempt at a time', async () => {
  const hole = await startFakeServer();
  onTestFinished(() => hole.close());
  const { error } = await ask({ ...adminLocation(postgres), port: hole.port }, 100, systemClock);
  expect(error).toMatchObject({ details: { probe: 'login', reason: expect.stringMatching(/^no answer within \d+/) } });
});

it('a server that starts up, then has no place, then serves is waited for', async () => {
  const answers = [
    fatal('57P03', 'the database system is starting up'),
    fatal('53300', 'sorry, too many clients already'),
  ];
  const told: string[] = [];
  let count = 0;
  const readiness = new PostgresReadiness(
    {
      connect: async (location, purpose, signal) => {
        const real = new PostgresDatabase({ run: 'readiness' });
        const answer = answers[Math.floor(count / 30)];
        count += 1;
        if (answer === undefined) return await real.connect(location, purpose, signal);
        const fake = await startFakeServer((_, socket) => void socket.end(answer));
        try {
          return await real.connect({ ...location, port: fake.port }, purpose, signal);
        } finally {
          await fake.close();
        }
      },
    },
    fastClock(),
  );
  await readiness.waitReady(
    { server: testServer(postgres), location: adminLocation(postgres) },
    {
      timeout: 1_000_000,
      signal: new AbortController().signal,
      onProbe: (probe, reason) => told.push(`${probe}: ${reason}`),
    },
  );
  expect([...new Set(told)]).toEqual([
    'startup: the database system is starting up',
    'login: sorry, too many clients already',
  ]);
});

it.each<[string, Partial<Location>, Probe, string | undefined]>([
  ['a wrong password', { password: 'wrong' }, 'login', '28P01'],
  ['an unknown role', { role: 'nobody_at_all' }, 'login', '28P01'],
  ['an unknown database', { database: 'no_such_database' }, 'login', '3D000'],
  ['a host that does not resolve', { host: 'orch.invalid' }, 'resolve', undefined],
])('%s is asked again for seconds only, not until the deadline', async (_, change, probe, sqlstate) => {
  const { error } = await ask({ ...adminLocation(postgres), ...change }, 3_600_000);
  expect(error).toMatchObject({ code: 'server-unreachable', details: { probe, sqlstate } });
  expect(error?.details.waited).toBeLessThan(10_000);
});

it('a host with one label may come yet: it is asked until the deadline', async () => {
  const { probes, error } = await ask({ ...adminLocation(postgres), host: 'orch-no-such-host' }, 30_000);
  expect(new Set(probes)).toEqual(new Set(['resolve']));
  expect(error).toMatchObject({ details: { probe: 'resolve', waited: 30_000 } });
});

it('a server whose transactions are read-only is not ready', async () => {
  const service = await createDatabase(postgres);
  await runAsAdmin(postgres, `ALTER DATABASE ${service.database} SET default_transaction_read_only = on`);
  const { probes, error } = await ask(ownerLocation(service), 10_000);
  expect(new Set(probes)).toEqual(new Set(['writable']));
  expect(error).toMatchObject({ details: { probe: 'writable' } });
});

it('an interrupt ends the wait', async () => {
  const hole = await startFakeServer();
  onTestFinished(() => hole.close());
  const stop = new AbortController();
  const readiness = new PostgresReadiness(new PostgresDatabase({ run: 'readiness' }), systemClock);
  const location = { ...adminLocation(postgres), port: hole.port };
  const waiting = readiness.waitReady(
    { server: testServer(postgres), location },
    { timeout: 60_000, signal: stop.signal, onProbe: () => undefined },
  );
  const reason = new Error('interrupted');
  stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});
