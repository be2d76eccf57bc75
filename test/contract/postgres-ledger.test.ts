import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { PostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import { beginSql } from '../../src/adapters/postgres/ledger-sql.ts';
import { TAKE_TRANSACTION_LOCK } from '../../src/adapters/postgres/transaction-lock.ts';
import type { Service } from '../../src/core/project.ts';
import { DatabaseError, type Location, type Session } from '../../src/ports/database.ts';
import { TRANSACTION_LOCK_BUSY } from '../../src/ports/ledger.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { sqlRevision } from '../support/revisions.ts';
import {
  adminLocation,
  createDatabase,
  ownerLocation,
  randomName,
  runAsAdmin,
  runAt,
} from '../support/test-database.ts';

const writer = { run: randomUUID(), host: "o'host", version: '1.2.3' };
const noTimeouts = { lockTimeout: 0, statementTimeout: 0 };
const database = new PostgresDatabase({ run: writer.run });
const ledger = new PostgresLedger();
const users = sqlRevision('001_users', { sql: "SELECT 'it''s \\ done'" });
let postgres: TestPostgres;
let service: Service;
let session: Session;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(async () => {
  await postgres?.stop();
});

beforeEach(async () => {
  service = await createDatabase(postgres);
  session = await connect(ownerLocation(service));
});

async function connect(location: Location, purpose = 'worker'): Promise<Session> {
  const opened = await database.connect(location, purpose);
  onTestFinished(() => opened.close());
  return opened;
}

async function apply(name: string, parents: readonly string[] = []): Promise<void> {
  const revision = sqlRevision(name, { parents });
  await ledger.begin(session, revision, writer, noTimeouts);
  expect(await ledger.commit(session, revision, writer, 12.4)).toBe(true);
}

async function inDatabase(sql: string): Promise<Record<string, unknown>[]> {
  return await runAsAdmin(postgres, sql, service.database);
}

async function sqlstateOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return 'none';
  return (error as { sqlstate?: string; code?: string }).sqlstate ?? (error as { code: string }).code;
}

async function appRole(): Promise<Location> {
  const role = randomName('app');
  await runAsAdmin(postgres, `CREATE ROLE ${role} LOGIN PASSWORD 'app'`);
  return ownerLocation(service, { role, password: 'app' });
}

describe('observe', () => {
  it('sees a database without a ledger', async () => {
    expect(await ledger.observe(session, service)).toEqual({
      exists: true,
      owner: service.owner.role,
      ledger: undefined,
      extensions: [],
      missingRoles: [service.roles[0]?.name],
      rolesWithoutAccess: [],
    });
  });

  it('sees a ledger that another orch makes between its two looks, and not a failure', async () => {
    const other = await connect(ownerLocation(service));
    let looks = 0;
    const run: Session['run'] = async (...parameters) => {
      looks += 1;
      // The first look fails for want of the ledger; the second asks why.
      if (looks === 2) await ledger.create(other, service, writer);
      return await session.run(...parameters);
    };
    const seen = await ledger.observe({ run, pid: session.pid } as Session, service);
    expect(seen.ledger).toEqual({ format: 1, rows: [] });
  });

  it('sees the rows in the order they were applied', async () => {
    await ledger.create(session, service, writer);
    await apply('002_b');
    await apply('001_a', ['002_b']);
    const { ledger: seen } = await ledger.observe(session, service);
    expect(seen?.format).toBe(1);
    expect(seen?.rows.map((row) => row.name)).toEqual(['002_b', '001_a']);
    expect(seen?.rows[1]).toEqual({
      kind: 'revision',
      id: '001',
      name: '001_a',
      parents: ['002_b'],
      checksum: sqlRevision('001_a').up.checksum,
      state: 'applied',
      statementsDone: 0,
      appliedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      duration: 12,
      role: service.owner.role,
      host: "o'host",
      orchVersion: '1.2.3',
      run: writer.run,
      requires: [],
      downChecksum: undefined,
      upFile: '001_a.up.sql',
      downFile: undefined,
      variables: {},
      note: undefined,
      fileGone: false,
    });
  });

  it('is one round trip where nothing is missing', async () => {
    await ledger.create(session, service, writer);
    const withExtension = { ...service, extensions: [{ name: 'plpgsql', minimumVersion: '1.0' }] };
    const statements: string[] = [];
    const counting: Session = {
      pid: session.pid,
      transaction: 'none',
      copyIn: session.copyIn.bind(session),
      onNotice: session.onNotice.bind(session),
      onLost: session.onLost.bind(session),
      close: session.close.bind(session),
      run: (sql) => {
        statements.push(sql);
        return session.run(sql);
      },
      query: (sql, parameters) => {
        statements.push(sql);
        return session.query(sql, parameters);
      },
    };
    const seen = await ledger.observe(counting, withExtension);
    expect(seen.extensions).toEqual([{ name: 'plpgsql', installed: '1.0', available: '1.0' }]);
    expect(statements).toHaveLength(1);
  });

  it('tells an extension that is not installed from one that the server does not have', async () => {
    const extensions = ['hstore', 'no_such_extension'].map((name) => ({ name, minimumVersion: undefined }));
    const seen = await ledger.observe(session, { ...service, extensions });
    expect(seen.extensions).toEqual([
      { name: 'hstore', installed: undefined, available: expect.stringMatching(/^1\./) },
      { name: 'no_such_extension', installed: undefined, available: undefined },
    ]);
  });

  it('names the format of a newer orch, whatever else that one changed', async () => {
    await ledger.create(session, service, writer);
    await inDatabase('ALTER TABLE orch.ledger RENAME COLUMN checksum TO fingerprint; UPDATE orch.meta SET format = 2');
    expect((await ledger.observe(session, service)).ledger).toEqual({ format: 2, rows: [] });
    await inDatabase(
      'DROP VIEW orch.heads; DROP TABLE orch.ledger CASCADE; ALTER TABLE orch.meta ADD COLUMN more text',
    );
    expect((await ledger.observe(session, service)).ledger).toEqual({ format: 2, rows: [] });
  });

  it('a role that merely may connect gets a clear refusal', async () => {
    await ledger.create(session, service, writer);
    const stranger = await connect(await appRole());
    const observing = ledger.observe(stranger, service);
    await expect(observing).rejects.toThrow(
      `the ledger of ${service.database} (schema orch) cannot be read by this role`,
    );
    expect(await sqlstateOf(observing)).toBe('42501');
  });
});

describe('create', () => {
  it('may be done twice, and by 20 at once', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => connect(ownerLocation(service))));
    // Without the database's lock they meet at that of their transactions, too: the engine tries again there.
    const create = (each: Session): Promise<void> =>
      ledger.create(each, service, writer).catch(async (error: unknown) => {
        if (!(error instanceof DatabaseError) || error.sqlstate !== TRANSACTION_LOCK_BUSY) throw error;
        await create(each);
      });
    await Promise.all(sessions.map(create));
    await ledger.create(session, service, writer);
    expect((await ledger.observe(session, service)).ledger).toEqual({ format: 1, rows: [] });
  });

  it('is all or nothing', async () => {
    await inDatabase(`CREATE SCHEMA orch AUTHORIZATION ${service.owner.role}; CREATE VIEW orch.log AS SELECT 1`);
    await expect(ledger.create(session, service, writer)).rejects.toThrow(DatabaseError);
    expect(await inDatabase("SELECT to_regclass('orch.ledger') AS ledger")).toEqual([{ ledger: null }]);
  });

  it('leaves everything to the owner but the view of heads', async () => {
    const app = await appRole();
    await inDatabase(`ALTER DEFAULT PRIVILEGES FOR ROLE ${service.owner.role} GRANT ALL ON TABLES TO ${app.role}`);
    await ledger.create(session, service, writer);
    await apply('001_a');
    expect(await runAt(app, 'SELECT name, id FROM orch.heads')).toEqual([{ name: '001_a', id: '001' }]);
    for (const sql of [
      'SELECT * FROM orch.ledger',
      'SELECT * FROM orch.log',
      'SELECT * FROM orch.meta',
      "UPDATE orch.ledger SET state = 'applied'",
      'DELETE FROM orch.ledger',
      'INSERT INTO orch.meta (format) VALUES (9)',
      'UPDATE orch.heads SET name = id',
      'CREATE TABLE orch.mine (a int)',
      "SELECT nextval('orch.ledger_sequence_seq')",
    ]) {
      expect(await sqlstateOf(runAt(app, sql)), sql).toBe('42501');
    }
  });

  it('the log is append-only, for its owner too', async () => {
    await ledger.create(session, service, writer);
    expect(await sqlstateOf(session.run('DELETE FROM orch.log'))).toBe('42501');
    expect(await sqlstateOf(session.run('TRUNCATE orch.log'))).toBe('42501');
    expect(await sqlstateOf(session.run("UPDATE orch.log SET action = 'x'"))).toBe('42501');
  });

  it('heads are the applied revisions that no other applied one builds on; seeds are none', async () => {
    await ledger.create(session, service, writer);
    await apply('001_a');
    await apply('002_b', ['001_a']);
    await apply('003_c', ['001_a']);
    const seed = sqlRevision('001_a', { kind: 'seed' });
    await ledger.begin(session, seed, writer, noTimeouts);
    expect(await ledger.commit(session, seed, writer, 1)).toBe(true);
    await ledger.start(session, sqlRevision('004_d', { parents: ['002_b', '003_c'] }), writer);
    expect(await inDatabase('SELECT name FROM orch.heads ORDER BY name')).toEqual([
      { name: '002_b' },
      { name: '003_c' },
    ]);
  });
});

describe('a revision in a transaction', () => {
  beforeEach(async () => {
    await ledger.create(session, service, writer);
  });

  it('has its effect, its row with the text, and its log entry together', async () => {
    await ledger.begin(session, users, writer, noTimeouts);
    await session.run('CREATE TABLE users (id int)');
    expect(await inDatabase('SELECT * FROM orch.ledger')).toEqual([]);
    expect(await ledger.commit(session, users, writer, 7)).toBe(true);
    expect(await ledger.isApplied(session, users)).toBe(true);
    expect(await inDatabase('SELECT name, state, up_text, down_text FROM orch.ledger')).toEqual([
      { name: '001_users', state: 'applied', up_text: users.up.text, down_text: null },
    ]);
    expect(
      await inDatabase("SELECT action, outcome, revision, duration_ms, host FROM orch.log WHERE action = 'apply'"),
    ).toEqual([{ action: 'apply', outcome: 'succeeded', revision: '001_users', duration_ms: '7', host: "o'host" }]);
  });

  it('lands in the schema that its search path names, and so does not orch`s own SQL', async () => {
    await inDatabase(`CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''1999-01-01''::timestamptz';
      CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''1999-01-01''::timestamptz';
      CREATE FUNCTION public.never(text, text) RETURNS bool LANGUAGE sql AS 'SELECT false';
      CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.never);
      ALTER DATABASE ${service.database} SET search_path = public, pg_catalog`);
    session = await connect(ownerLocation(service));
    await ledger.begin(session, users, writer, noTimeouts);
    await session.run('CREATE TABLE made AS SELECT now() AS at');
    expect(await ledger.commit(session, users, writer, 1)).toBe(true);
    expect(await inDatabase("SELECT date_part('year', at) AS year FROM public.made")).toEqual([{ year: 1999 }]);
    const seen = await ledger.observe(await connect(ownerLocation(service), 'lock'), service);
    expect(seen.ledger?.rows).toMatchObject([{ name: '001_users', state: 'applied' }]);
    expect(Date.parse(seen.ledger?.rows[0]?.appliedAt ?? '')).toBeGreaterThan(Date.parse('2020-01-01'));
    await ledger.start(session, sqlRevision('002_b'), writer);
    await ledger.progress(session, sqlRevision('002_b'), 1);
    await ledger.finish(session, sqlRevision('002_b'), writer, 1);
    expect(await ledger.isApplied(session, sqlRevision('002_b'))).toBe(true);
  });

  it('runs under the timeouts that it was given', async () => {
    await ledger.begin(session, users, writer, { lockTimeout: 1_500, statementTimeout: 60_000 });
    const { rows } = await session.run(
      "SELECT current_setting('lock_timeout') AS l, current_setting('statement_timeout') AS s",
    );
    expect(rows).toEqual([{ l: '1500ms', s: '1min' }]);
    expect(await ledger.commit(session, users, writer, 1)).toBe(true);
    expect((await session.run('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '0' }]);
  });

  it('of 20 runners that ignore every lock one inserts its row, and 19 collide there', async () => {
    await session.run('CREATE TABLE canary (a int)');
    const runners = await Promise.all(Array.from({ length: 20 }, () => connect(ownerLocation(service))));
    const unlocked = beginSql(users, writer, noTimeouts).replace(TAKE_TRANSACTION_LOCK, 'SELECT 1');
    const results = await Promise.all(
      runners.map((runner) =>
        runner.run(`${unlocked}; INSERT INTO canary VALUES (1); COMMIT`).then(
          () => true,
          (error: unknown) => (error as DatabaseError).sqlstate,
        ),
      ),
    );
    expect(results.filter((result) => result === true)).toHaveLength(1);
    expect(results.filter((result) => result === '23505')).toHaveLength(19);
    expect(await inDatabase('SELECT a FROM canary')).toEqual([{ a: 1 }]);
  });

  it('of 20 runners without the lock of the run one applies it, 19 are kept out', async () => {
    await session.run('CREATE TABLE canary (a int)');
    const runners = await Promise.all(Array.from({ length: 20 }, () => connect(ownerLocation(service))));
    const results = await Promise.all(
      runners.map(async (runner) => {
        try {
          await ledger.begin(runner, users, writer, noTimeouts);
          await runner.run('INSERT INTO canary VALUES (1)');
          return await ledger.commit(runner, users, writer, 1);
        } catch (error) {
          return (error as DatabaseError).sqlstate;
        }
      }),
    );
    expect(results.filter((result) => result === true)).toHaveLength(1);
    expect(results.filter((result) => result === '23505' || result === 'OR002')).toHaveLength(19);
    expect(await inDatabase('SELECT a FROM canary')).toEqual([{ a: 1 }]);
  });

  it.each([
    ['a COMMIT of its own', 'COMMIT', /ended its own transaction/],
    ['COMMIT AND CHAIN', 'COMMIT AND CHAIN', /ended its own transaction/],
    ['ROLLBACK and a new BEGIN', 'ROLLBACK; BEGIN', /ended its own transaction/],
    ['a row of the ledger deleted', 'DELETE FROM orch.ledger', /removed its row/],
  ])('is refused with %s', async (_, sql, message) => {
    await ledger.begin(session, users, writer, noTimeouts);
    await session.run(sql);
    const committing = ledger.commit(session, users, writer, 1);
    await expect(committing).rejects.toThrow(message);
    expect(await sqlstateOf(committing)).toBe('OR001');
    expect(await ledger.isApplied(session, users)).toBe(false);
    expect((await session.run('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('that ended its own transaction leaves its row as started', async () => {
    await ledger.begin(session, users, writer, noTimeouts);
    await session.run('CREATE TABLE half (a int); COMMIT');
    await expect(ledger.commit(session, users, writer, 1)).rejects.toThrow(/ended its own transaction/);
    expect((await ledger.observe(session, service)).ledger?.rows).toMatchObject([
      { name: '001_users', state: 'started' },
    ]);
  });

  it('is recorded by its owner where it leaves another role or session authorization set', async () => {
    const admin = await connect({ ...adminLocation(postgres, service.database), actAs: service.owner.role });
    for (const [name, sql] of [
      ['001_a', `SET ROLE ${postgres.adminRole}`],
      ['002_b', `SET SESSION AUTHORIZATION ${service.owner.role}; SET ROLE NONE`],
    ] as const) {
      expect(await ledger.begin(admin, sqlRevision(name), writer, noTimeouts, sql)).toBeUndefined();
      expect(await ledger.commit(admin, sqlRevision(name), writer, 1)).toBe(true);
      const now = await admin.run('SELECT current_user::text AS role, session_user::text AS login');
      expect(now.rows).toEqual([{ role: service.owner.role, login: postgres.adminRole }]);
    }
  });

  it('whose error was caught and passed over is rolled back, and said so', async () => {
    await ledger.begin(session, users, writer, noTimeouts);
    await session.run('SELECT 1/0').catch(() => undefined);
    expect(await ledger.commit(session, users, writer, 1)).toBe(false);
    expect(await ledger.isApplied(session, users)).toBe(false);
  });

  it('whose deferred constraint fails at COMMIT is an error of its own', async () => {
    await ledger.begin(session, users, writer, noTimeouts);
    await session.run(`CREATE TABLE a (id int PRIMARY KEY);
      CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED); INSERT INTO b VALUES (1)`);
    expect(await sqlstateOf(ledger.commit(session, users, writer, 1))).toBe('23503');
    expect(await inDatabase("SELECT to_regclass('public.a') AS a")).toEqual([{ a: null }]);
  });

  it('keeps no text of more than a million bytes', async () => {
    const large = sqlRevision('002_large', { sql: `SELECT '${'é'.repeat(500_000)}'` });
    await ledger.begin(session, large, writer, noTimeouts);
    expect(await ledger.commit(session, large, writer, 1)).toBe(true);
    expect(await inDatabase('SELECT up_text FROM orch.ledger')).toEqual([{ up_text: null }]);
  });
});

describe('a revision outside a transaction', () => {
  beforeEach(async () => {
    await ledger.create(session, service, writer);
  });

  it('is recorded before its first statement, after each, and at its end', async () => {
    const row = async (): Promise<object | undefined> => (await ledger.observe(session, service)).ledger?.rows[0];
    await ledger.start(session, users, writer);
    expect(await row()).toMatchObject({ state: 'started', statementsDone: 0 });
    await ledger.progress(session, users, 2);
    expect(await row()).toMatchObject({ state: 'started', statementsDone: 2 });
    await ledger.start(session, users, writer);
    expect(await row()).toMatchObject({ state: 'started', statementsDone: 2 });
    await ledger.finish(session, users, writer, 5);
    expect(await row()).toMatchObject({ state: 'applied', statementsDone: 2, duration: 5 });
    expect(await sqlstateOf(ledger.start(session, users, writer))).toBe('23505');
  });

  it('whose row is gone is not finished', async () => {
    expect(await sqlstateOf(ledger.finish(session, users, writer, 5))).toBe('P0002');
    expect(await sqlstateOf(ledger.progress(session, users, 5))).toBe('P0002');
    expect(await inDatabase("SELECT 1 FROM orch.log WHERE action = 'apply'")).toEqual([]);
  });
});

it('the log takes whatever a message holds', async () => {
  await ledger.create(session, service, writer);
  const message = "'; DROP TABLE orch.log; -- \\ \u001b[31m \u0000 é";
  const entry = {
    action: 'apply',
    outcome: 'failed',
    revision: undefined,
    duration: 1.6,
    sqlstate: '42601',
    message,
  } as const;
  await ledger.log(session, entry, writer);
  expect(await inDatabase("SELECT message, duration_ms, sqlstate FROM orch.log WHERE outcome = 'failed'")).toEqual([
    { message: message.replace('\0', ''), duration_ms: '2', sqlstate: '42601' },
  ]);
});

it.each([
  ['its login role', 'SET ROLE NONE'],
  ['another session authorization', 'SET ROLE NONE; SET SESSION AUTHORIZATION another'],
  [
    'settings',
    'SET ROLE NONE; SET session_replication_role = replica; SET search_path = nowhere; SET statement_timeout = 60000',
  ],
  ['objects of the session', 'CREATE TEMPORARY TABLE "left" (a int); PREPARE stay AS SELECT 1'],
])('reset takes back %s that a revision left in its session', async (_, left) => {
  const another = randomName('another');
  await runAsAdmin(postgres, `CREATE ROLE ${another}`);
  const admin = await connect({ ...adminLocation(postgres, service.database), actAs: service.owner.role });
  const state = `SELECT current_user::text AS role, session_user::text AS login, current_setting('search_path') AS path,
    current_setting('statement_timeout') AS timeout, current_setting('session_replication_role') AS replication,
    to_regclass('pg_temp.left') AS left, (SELECT count(*) FROM pg_prepared_statements) AS prepared`;
  const before = (await admin.run(state)).rows;
  await admin.run(left.replace('another', another));
  expect((await admin.run(state)).rows).not.toEqual(before);
  await ledger.reset(admin);
  expect((await admin.run(state)).rows).toEqual(before);
  expect(before).toMatchObject([{ role: service.owner.role, login: postgres.adminRole, timeout: '0' }]);
});
