import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import type { Service } from '../../src/core/project.ts';
import { DatabaseError, type Session } from '../../src/ports/database.ts';
import { startFakeServer } from '../support/fake-server.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { createDatabase, ownerLocation, runAsAdmin } from '../support/test-database.ts';

let postgres: TestPostgres;
let service: Service;

beforeAll(async () => {
  postgres = await startPostgres();
  service = await createDatabase(postgres);
});

afterAll(async () => {
  await postgres?.stop();
});

/** Sessions through a network that can break; the server is asked often. */
async function behindProxy(): Promise<{ proxy: TcpProxy; connect(purpose: string): Promise<Session> }> {
  const proxy = await startTcpProxy(postgres);
  const database = new PostgresDatabase({ run: 'pulse', pulse: 200 });
  const connect = async (purpose: string): Promise<Session> => {
    const session = await database.connect(ownerLocation(service, { host: '127.0.0.1', port: proxy.port }), purpose);
    onTestFinished(() => session.close());
    return session;
  };
  return { proxy, connect };
}

async function failureOf(work: Promise<unknown>): Promise<DatabaseError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DatabaseError) return error;
  throw new Error(`no DatabaseError: ${String(error)}`);
}

/** A statement that the server has begun, and its answer to come. */
async function sleeping(session: Session): Promise<{ readonly answer: Promise<unknown> }> {
  const answer = session.run('SELECT pg_sleep(600)');
  answer.catch(() => undefined);
  const running = `SELECT FROM pg_stat_activity WHERE pid = ${session.pid} AND wait_event = 'PgSleep'`;
  while ((await runAsAdmin(postgres, running)).length === 0);
  return { answer };
}

describe('a server that is gone without a word', () => {
  it('fails the statement that waits for it, and the session that waits for nothing', async () => {
    const { proxy, connect } = await behindProxy();
    const [keeper, worker] = [await connect('lock'), await connect('worker')];
    const lost = new Promise<DatabaseError>((resolve) => keeper.onLost(resolve));
    const { answer } = await sleeping(worker);
    proxy.stall();
    const words = 'the server does not answer any more: no answer within 200 ms';
    expect(await failureOf(answer)).toMatchObject({ sqlstate: '08006', connection: true, message: words });
    expect(await lost).toMatchObject({ message: words });
  });

  it('is noticed also by a session that only holds a lock', async () => {
    const { proxy, connect } = await behindProxy();
    const keeper = await connect('lock');
    const lost = new Promise<DatabaseError>((resolve) => keeper.onLost(resolve));
    proxy.stall();
    expect(await lost).toMatchObject({ sqlstate: '08006' });
  });
});

describe('a connection that is dead while the server is there', () => {
  it('whose session the server has ended fails', async () => {
    const { proxy, connect } = await behindProxy();
    const worker = await connect('worker');
    const { answer } = await sleeping(worker);
    proxy.stallOpen();
    await runAsAdmin(postgres, `SELECT pg_terminate_backend(${worker.pid})`);
    expect(await failureOf(answer)).toMatchObject({ message: 'the server does not know this session any more' });
  });

  it('on which the answer was lost fails', async () => {
    const { proxy, connect } = await behindProxy();
    const worker = await connect('worker');
    const { answer } = await sleeping(worker);
    proxy.stallOpen();
    await runAsAdmin(postgres, `SELECT pg_cancel_backend(${worker.pid})`);
    expect(await failureOf(answer)).toMatchObject({
      message: 'the server has answered, but the answer did not come through',
    });
  });
});

describe('a statement that takes its time', () => {
  it('is left alone while its server is there', async () => {
    const { connect } = await behindProxy();
    expect(await (await connect('worker')).run('SELECT pg_sleep(3)')).toMatchObject({ rowCount: 1 });
  });

  it('is left alone while its server speaks on another connection, though it takes no new one', async () => {
    const { proxy, connect } = await behindProxy();
    await connect('lock');
    const worker = await connect('worker');
    proxy.stallNew();
    expect(await worker.run('SELECT pg_sleep(3)')).toMatchObject({ rowCount: 1 });
  });

  it('is left alone also where nobody else may log in', async () => {
    const { connect } = await behindProxy();
    const worker = await connect('worker');
    await runAsAdmin(postgres, `ALTER ROLE ${service.owner.role} CONNECTION LIMIT 1`);
    onTestFinished(async () => {
      await runAsAdmin(postgres, `ALTER ROLE ${service.owner.role} CONNECTION LIMIT -1`);
    });
    expect(await worker.run('SELECT pg_sleep(3)')).toMatchObject({ rowCount: 1 });
  });
});

it('a connection attempt that nobody answers ends', async () => {
  const hole = await startFakeServer();
  onTestFinished(() => hole.close());
  const database = new PostgresDatabase({ run: 'pulse', connectTimeout: 100 });
  const location = ownerLocation(service, { host: '127.0.0.1', port: hole.port });
  expect(await failureOf(database.connect(location, 'worker'))).toMatchObject({ message: 'no answer within 100 ms' });
});
