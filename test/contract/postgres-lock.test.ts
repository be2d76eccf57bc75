import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { AdvisoryLock } from '../../src/adapters/postgres/advisory-lock.ts';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { LockHolder } from '../../src/core/observed.ts';
import type { Service } from '../../src/core/project.ts';
import type { Location, Session } from '../../src/ports/database.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { createDatabase, ownerLocation, randomName, runAsAdmin } from '../support/test-database.ts';

const run = '0f8fad5b-d9cb-469f-a165-70867728950e';
const database = new PostgresDatabase({ run });
const lock = new AdvisoryLock(systemClock);
let postgres: TestPostgres;
let service: Service;

beforeAll(async () => {
  postgres = await startPostgres();
  service = await createDatabase(postgres);
});

afterAll(async () => {
  await postgres?.stop();
});

async function connect(location: Location = ownerLocation(service)): Promise<Session> {
  const session = await database.connect(location, 'lock');
  onTestFinished(() => session.close());
  return session;
}

function once(signal = new AbortController().signal): Parameters<AdvisoryLock['acquire']>[2] {
  return { wait: 0, signal, onWait: () => undefined };
}

function patiently(signal?: AbortSignal): Parameters<AdvisoryLock['acquire']>[2] {
  return { ...once(signal), wait: 60_000 };
}

it('names the holder while it waits, and is granted when the holder lets go', async () => {
  const [holding, waiting] = [await connect(), await connect()];
  await lock.acquire(holding, service, once());
  const told: (LockHolder | undefined)[] = [];
  await lock.acquire(waiting, service, {
    ...patiently(),
    onWait: (holder) => {
      told.push(holder);
      void lock.release(holding, service);
    },
  });
  expect(told).toEqual([
    {
      pid: holding.pid,
      application: `orch lock ${run}`,
      client: expect.stringMatching(/^[\d.]+:\d+$/),
      role: service.owner.role,
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      silent: expect.any(Number),
    },
  ]);
  await lock.release(waiting, service);
});

it('names the holder to a role that may not see its session, as far as that is seen', async () => {
  const role = randomName('stranger');
  await runAsAdmin(postgres, `CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
  const [holding, stranger] = [await connect(), await connect(ownerLocation(service, { role, password: 'x' }))];
  await lock.acquire(holding, service, once());
  await expect(lock.acquire(stranger, service, once())).rejects.toMatchObject({
    code: 'lock-held',
    details: { holder: { pid: holding.pid, role: service.owner.role, client: 'unknown', since: '' } },
  });
});

it('gives up after its time, with the holder in the failure', async () => {
  const [holding, waiting] = [await connect(), await connect()];
  await lock.acquire(holding, service, once());
  await expect(lock.acquire(waiting, service, { ...once(), wait: 120 })).rejects.toMatchObject({
    code: 'lock-held',
    details: { service: service.name, database: service.database, holder: { pid: holding.pid } },
  });
});

it('an interrupt ends the wait', async () => {
  const [holding, waiting] = [await connect(), await connect()];
  await lock.acquire(holding, service, once());
  const stop = new AbortController();
  const reason = new Error('interrupted');
  const options = { ...patiently(stop.signal), onWait: () => stop.abort(reason) };
  await expect(lock.acquire(waiting, service, options)).rejects.toBe(reason);
});

it('a holder that is killed leaves no lock behind', async () => {
  const [holding, waiting] = [await connect(), await connect()];
  await lock.acquire(holding, service, once());
  holding.onLost(() => undefined);
  await lock.acquire(waiting, service, {
    ...patiently(),
    onWait: () => void runAsAdmin(postgres, `SELECT pg_terminate_backend(${holding.pid})`),
  });
});

it('of 20 one has it at a time, and each gets its turn', async () => {
  let inside = 0;
  let most = 0;
  const sessions = await Promise.all(Array.from({ length: 20 }, () => connect()));
  await Promise.all(
    sessions.map(async (session) => {
      await lock.acquire(session, service, patiently());
      inside += 1;
      most = Math.max(most, inside);
      await session.run('SELECT 1');
      inside -= 1;
      await lock.release(session, service);
    }),
  );
  expect(most).toBe(1);
});

it('locks of two databases have nothing to do with each other', async () => {
  const other = await createDatabase(postgres);
  await lock.acquire(await connect(), service, once());
  await lock.acquire(await connect(ownerLocation(other)), other, once());
});

it('no waiter holds a transaction open, so that CREATE INDEX CONCURRENTLY gets through', async () => {
  const [holding, waiting] = [await connect(), await connect()];
  await holding.run('CREATE TABLE public.indexed (a int)');
  await lock.acquire(holding, service, once());
  const stop = new AbortController();
  const built = new Promise<void>((resolve, reject) => {
    const options = {
      ...patiently(stop.signal),
      onWait: () => void holding.run('CREATE INDEX CONCURRENTLY ON public.indexed (a)').then(() => resolve(), reject),
    };
    lock.acquire(waiting, service, options).catch(() => undefined);
  });
  await built;
  stop.abort(new Error('done'));
});

it('a lock that a statement released under its holder is told as lost', async () => {
  const session = await connect();
  await lock.acquire(session, service, once());
  await session.run('SELECT pg_advisory_unlock_all()');
  await expect(lock.release(session, service)).rejects.toMatchObject({ code: 'lock-lost' });
});
