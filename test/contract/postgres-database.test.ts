import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { DatabaseError, type Location, type Session } from '../../src/ports/database.ts';
import { fatal, startFakeServer, welcome } from '../support/fake-server.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startSlowAnswers } from '../support/slow-answers.ts';
import { adminLocation, createDatabase, ownerLocation, runAsAdmin } from '../support/test-database.ts';

const run = '0f8fad5b-d9cb-469f-a165-70867728950e';
const database = new PostgresDatabase({ run });
let postgres: TestPostgres;
let location: Location;

beforeAll(async () => {
  postgres = await startPostgres();
  location = ownerLocation(await createDatabase(postgres));
});

afterAll(async () => {
  await postgres?.stop();
});

async function connect(at: Location = location, purpose = 'test'): Promise<Session> {
  const session = await database.connect(at, purpose);
  onTestFinished(() => session.close());
  return session;
}

async function show(session: Session, setting: string): Promise<string | undefined> {
  const { rows } = await session.query<{ value: string }>('SELECT pg_catalog.current_setting($1) AS value', [setting]);
  return rows[0]?.value;
}

async function failureOf(promise: Promise<unknown>): Promise<DatabaseError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DatabaseError)) throw new Error('no DatabaseError was thrown', { cause: error });
  return error;
}

async function untilLost(session: Session): Promise<DatabaseError> {
  return await new Promise((resolve) => session.onLost(resolve));
}

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const server = await startFakeServer();
  await server.close();
  return server.port;
}

describe('settings at start-up', () => {
  it('orch looks names up in pg_catalog alone, whatever the database says', async () => {
    await runAsAdmin(postgres, `ALTER DATABASE ${location.database} SET search_path = nowhere`);
    onTestFinished(async () => {
      await runAsAdmin(postgres, `ALTER DATABASE ${location.database} RESET search_path`);
    });
    expect(await show(await connect(), 'search_path')).toBe('pg_catalog');
  });

  it('a session that runs revisions has the search path of its role or database', async () => {
    expect(await show(await connect(location, 'worker'), 'search_path')).toBe('"$user", public');
    await runAsAdmin(postgres, `ALTER ROLE ${location.role} SET search_path = app, public`);
    onTestFinished(async () => {
      await runAsAdmin(postgres, `ALTER ROLE ${location.role} RESET search_path`);
    });
    expect(await show(await connect(location, 'worker'), 'search_path')).toBe('app, public');
  });

  it('no setting of the role ends a session or weakens a commit', async () => {
    const { role } = location;
    const settings = {
      idle_session_timeout: '20ms',
      idle_in_transaction_session_timeout: '20ms',
      transaction_timeout: '20ms',
      statement_timeout: '20ms',
      lock_timeout: '20ms',
      synchronous_commit: 'off',
      client_min_messages: 'error',
    };
    for (const [name, value] of Object.entries(settings)) {
      await runAsAdmin(postgres, `ALTER ROLE ${role} SET ${name} = '${value}'`);
    }
    onTestFinished(async () => {
      await runAsAdmin(postgres, `ALTER ROLE ${role} RESET ALL`);
    });
    const session = await connect();
    for (const name of Object.keys(settings).filter((each) => each.endsWith('timeout'))) {
      expect(await show(session, name), name).toBe('0');
    }
    expect(await show(session, 'synchronous_commit')).toBe('on');
    expect(await show(session, 'client_min_messages')).toBe('notice');
    expect(await show(session, 'client_connection_check_interval')).toBe('500ms');
    expect(await show(session, 'tcp_keepalives_idle')).toBe('2');
  });

  it('the session tells who it is', async () => {
    const session = await connect(location, 'lock');
    expect(await show(session, 'application_name')).toBe(`orch lock ${run}`);
    const { rows } = await session.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid');
    expect(session.pid).toBe(rows[0]?.pid);
  });

  it('acts as another role where the location says so', async () => {
    const session = await connect({ ...adminLocation(postgres, location.database), actAs: location.role });
    const { rows } = await session.query('SELECT current_user::text AS role, session_user::text AS login');
    expect(rows).toEqual([{ role: location.role, login: postgres.adminRole }]);
  });

  it('sets nothing where all connections share one session', async () => {
    const session = await connect({ ...location, sessions: 'one' });
    expect(await show(session, 'search_path')).toBe('"$user", public');
    expect(await show(session, 'client_connection_check_interval')).toBe('0');
  });

  it('leaves out what an older server does not know, and remembers that', async () => {
    const old = await startFakeServer((startup, socket) => {
      const unknown = /transaction_timeout|idle_session_timeout/.exec(startup.replaceAll('idle_in_transaction', ''));
      if (unknown === null) socket.write(welcome(7));
      else socket.end(fatal('42704', `unrecognized configuration parameter "${unknown[0]}"`));
    });
    onTestFinished(() => old.close());
    const fresh = new PostgresDatabase({ run });
    const at = { ...location, port: old.port };
    const session = await fresh.connect(at, 'test');
    expect(session.pid).toBe(7);
    expect(old.startups).toHaveLength(3);
    expect(old.startups[2]).toContain('search_path=pg_catalog');
    const again = await fresh.connect(at, 'test');
    expect(old.startups).toHaveLength(4);
    await Promise.all([session.close(), again.close()]);
  });
});

describe('statements', () => {
  it('several statements go in one message; the result is the last one`s', async () => {
    const session = await connect();
    expect(await session.run('SELECT 1 AS a; SELECT 2 AS b')).toEqual({
      rows: [{ b: 2 }],
      command: 'SELECT',
      rowCount: 1,
    });
    expect(await session.run('-- nothing')).toMatchObject({ rows: [], rowCount: 0 });
  });

  it('a query takes one statement only, with or without parameters', async () => {
    const session = await connect();
    const { rows } = await session.query<{ sum: number }>('SELECT $1::int4 + 1 AS sum', [41]);
    expect(rows).toEqual([{ sum: 42 }]);
    expect((await failureOf(session.query('SELECT 1; SELECT 2'))).sqlstate).toBe('42601');
  });

  it('queries sent at once are done one after another', async () => {
    const session = await connect();
    const results = await Promise.all([1, 2, 3].map((n) => session.query<{ n: number }>('SELECT $1::int4 AS n', [n])));
    expect(results.map(({ rows }) => rows[0]?.n)).toEqual([1, 2, 3]);
  });

  it('an error carries what the server said', async () => {
    const session = await connect();
    const syntax = await failureOf(session.run('SELECT 1;\nSELECT nothing'));
    expect(syntax).toMatchObject({ sqlstate: '42703', position: 18, connection: false });
    const raised = await failureOf(
      session.run(
        `DO $$ BEGIN RAISE EXCEPTION 'no' USING DETAIL = 'because', HINT = 'do so', ERRCODE = 'OR999'; END $$`,
      ),
    );
    expect(raised).toMatchObject({
      message: 'no',
      sqlstate: 'OR999',
      detail: 'because',
      serverHint: 'do so',
      position: undefined,
    });
    expect(raised.where).toMatch(/inline_code_block/);
    expect(await session.run('SELECT 1 AS one')).toMatchObject({ rows: [{ one: 1 }] });
  });

  it('notices are heard until the listener goes', async () => {
    const session = await connect();
    const heard: unknown[] = [];
    const stop = session.onNotice((notice) => heard.push(notice));
    await session.run(`DO $$ BEGIN RAISE WARNING 'first'; END $$`);
    stop();
    await session.run(`DO $$ BEGIN RAISE WARNING 'second'; END $$`);
    expect(heard).toEqual([{ severity: 'WARNING', message: 'first' }]);
  });

  it('COPY from a client that sends nothing fails instead of waiting', async () => {
    const session = await connect();
    await session.run('CREATE TEMPORARY TABLE copied (a int)');
    expect((await failureOf(session.run('COPY copied FROM STDIN'))).sqlstate).toBe('57014');
  });
});

describe('a session that ends', () => {
  it('while it is idle: the listener hears the server`s words, once, and nothing goes uncaught', async () => {
    const session = await connect();
    const heard: DatabaseError[] = [];
    session.onLost((error) => heard.push(error));
    const lost = untilLost(session);
    await runAsAdmin(postgres, `SELECT pg_terminate_backend(${session.pid})`);
    expect(await lost).toMatchObject({ sqlstate: '57P01', connection: true });
    expect(await failureOf(session.run('SELECT 1'))).toMatchObject({ sqlstate: '57P01', connection: true });
    expect(await untilLost(session)).toMatchObject({ sqlstate: '57P01' });
    await session.close();
    expect(heard).toHaveLength(1);
  });

  it('while it works: the statement fails and the listener hears it', async () => {
    const session = await connect();
    const lost = untilLost(session);
    const running = failureOf(session.run('SELECT pg_sleep(60)'));
    await waitUntilActive(session.pid);
    await runAsAdmin(postgres, `SELECT pg_terminate_backend(${session.pid})`);
    expect(await running).toMatchObject({ sqlstate: '57P01', connection: true });
    expect(await lost).toMatchObject({ sqlstate: '57P01', connection: true });
  });

  it('a timeout that cuts counts as a lost session', async () => {
    const session = await connect();
    await session.run('SET transaction_timeout = 50');
    const lost = untilLost(session);
    expect(await failureOf(session.run('BEGIN; SELECT pg_sleep(60)'))).toMatchObject({
      sqlstate: '25P04',
      connection: true,
    });
    await lost;
  });

  it('knows that its transaction has failed as soon as a statement is told to have failed', async () => {
    const port = await startSlowAnswers(location);
    const session = await connect({ ...location, port });
    for (const fail of [() => session.run('SELECT 1/0'), () => session.query('SELECT 1/$1::int', [0])]) {
      await session.run('BEGIN');
      expect((await failureOf(fail())).sqlstate).toBe('22012');
      expect(session.transaction).toBe('failed');
      await session.run('ROLLBACK');
      expect(session.transaction).toBe('none');
    }
  });

  it('a cancelled statement leaves the session usable', async () => {
    const session = await connect();
    const running = failureOf(session.run('SELECT pg_sleep(60)'));
    await waitUntilActive(session.pid);
    await runAsAdmin(postgres, `SELECT pg_cancel_backend(${session.pid})`);
    expect(await running).toMatchObject({ sqlstate: '57014', connection: false });
    expect(await session.run('SELECT 1 AS one')).toMatchObject({ rows: [{ one: 1 }] });
  });

  it('closing is no loss, may be done twice, and abandons a statement', async () => {
    const session = await connect();
    session.onLost(() => expect.unreachable('close is no loss'));
    const running = failureOf(session.run('SELECT pg_sleep(60)'));
    await waitUntilActive(session.pid);
    await session.close();
    await session.close();
    expect(await running).toMatchObject({ connection: true });
  });

  async function waitUntilActive(pid: number): Promise<void> {
    await expect
      .poll(() => runAsAdmin(postgres, `SELECT wait_event AS w FROM pg_stat_activity WHERE pid = ${pid}`), {
        timeout: 10_000,
      })
      .toEqual([{ w: 'PgSleep' }]);
  }
});

describe('no session', () => {
  it.each<[string, Partial<Location>, string]>([
    ['wrong password', { password: 'wrong' }, '28P01'],
    ['no password', { password: undefined }, '28P01'],
    ['unknown role', { role: 'no_such_role' }, '28P01'],
    ['unknown database', { database: 'no_such_database' }, '3D000'],
    ['unresolvable host', { host: 'orch.invalid' }, '08001'],
  ])('%s', async (_, change, sqlstate) => {
    const error = await failureOf(database.connect({ ...location, ...change }, 'test'));
    expect(error).toMatchObject({ sqlstate, connection: true });
    expect(JSON.stringify([error, error.message, error.cause])).not.toContain('wrong');
  });

  it('nobody listens: the message names the address', async () => {
    const port = await deadPort();
    const error = await failureOf(database.connect({ ...location, port, host: 'localhost' }, 'test'));
    expect(error).toMatchObject({ sqlstate: '08001', connection: true });
    expect(error.message).toContain(`ECONNREFUSED 127.0.0.1:${port}`);
  });

  it('a server that accepts and never answers costs the connect timeout', async () => {
    const hole = await startFakeServer();
    onTestFinished(() => hole.close());
    const hasty = new PostgresDatabase({ run, connectTimeout: 50 });
    const error = await failureOf(hasty.connect({ ...location, port: hole.port }, 'test'));
    expect(error).toMatchObject({ message: 'no answer within 50 ms', connection: true });
    const asked = { ...location, port: hole.port, tls: { ...location.tls, mode: 'require' } } as const;
    expect(await failureOf(hasty.connect(asked, 'test'))).toMatchObject({ message: 'no answer within 50 ms' });
  });

  it('an interrupt ends the wait with its own reason', async () => {
    const hole = await startFakeServer();
    onTestFinished(() => hole.close());
    const stop = new AbortController();
    const connecting = database.connect({ ...location, port: hole.port }, 'test', stop.signal);
    const interrupted = new Error('interrupted');
    stop.abort(interrupted);
    await expect(connecting).rejects.toBe(interrupted);
  });

  it('a session whose server fell silent can be closed', async () => {
    const hole = await startFakeServer((_, socket) => void socket.write(welcome(1)));
    onTestFinished(() => hole.close());
    const session = await database.connect({ ...location, port: hole.port }, 'test');
    await session.close();
    const busy = await database.connect({ ...location, port: hole.port }, 'test');
    const running = failureOf(busy.run('SELECT 1'));
    await busy.close();
    expect(await running).toMatchObject({ connection: true });
  });

  it('something else than PostgreSQL is said to be that', async () => {
    const web = await startFakeServer((_, socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    onTestFinished(() => web.close());
    const at = { ...location, port: web.port, tls: { ...location.tls, mode: 'prefer' } } as const;
    expect(await failureOf(database.connect(at, 'test'))).toMatchObject({ sqlstate: '08P01', connection: true });
  });
});
