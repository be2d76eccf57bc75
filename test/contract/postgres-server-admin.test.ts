import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { PostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import { PostgresServerAdmin } from '../../src/adapters/postgres/server-admin.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { ObservedDatabase } from '../../src/core/observed.ts';
import type { Service } from '../../src/core/project.ts';
import type { Location, Session } from '../../src/ports/database.ts';
import { startEmbeddedPostgres } from '../support/embedded-postgres.ts';
import { type PostgresAddress, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { adminLocation, ownerLocation, randomName, runAsAdmin, runAt, testService } from '../support/test-database.ts';

const run = '0f8fad5b-d9cb-469f-a165-70867728950e';
const writer = { run, host: 'here', version: '1' };
const database = new PostgresDatabase({ run });
const ledger = new PostgresLedger();
let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(async () => {
  await postgres?.stop();
});

/** @param admin `undefined`: no admin role is configured */
function adminOf(
  server: PostgresAddress = postgres,
  admin: Partial<Location> | undefined = {},
  changes: { readonly lockWait?: number } = {},
): PostgresServerAdmin {
  return new PostgresServerAdmin({
    database,
    clock: systemClock,
    run,
    signal: new AbortController().signal,
    lockWait: 60_000,
    targets: {
      owner: (service) => ownerLocation(service),
      admin: (_, name) => admin && { ...adminLocation(server, name), ...admin },
    },
    ...changes,
  });
}

const withoutAdmin = (): PostgresServerAdmin =>
  new PostgresServerAdmin({
    database,
    clock: systemClock,
    run,
    signal: new AbortController().signal,
    lockWait: 1_000,
    targets: { owner: (service) => ownerLocation(service), admin: () => undefined },
  });

/** Roles and database, as a cold start makes them. */
async function prepare(admin: PostgresServerAdmin, service: Service): Promise<void> {
  await admin.createRole(service, service.owner.role);
  for (const role of service.roles) await admin.createRole(service, role.name);
  await admin.createDatabase(service);
  for (const role of service.roles) await admin.grantAccess(service, role.name);
}

async function connect(location: Location): Promise<Session> {
  const session = await database.connect(location, 'worker');
  onTestFinished(() => session.close());
  return session;
}

async function observe(service: Service): Promise<ObservedDatabase> {
  return await ledger.observe(await connect(ownerLocation(service)), service);
}

function appLocation(service: Service): Location {
  return ownerLocation(service, { role: service.roles[0]?.name ?? '', password: 'app secret' });
}

async function sqlstateOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error === undefined ? 'none' : String((error as { code: string }).code);
}

describe('a cold start', () => {
  it('sees what is missing, makes it, and sees that nothing is', async () => {
    const service = testService(postgres);
    const admin = adminOf();
    expect(await admin.observe(service)).toEqual({
      missingRoles: [service.owner.role, service.roles[0]?.name],
      databaseExists: false,
      databaseOwner: undefined,
    });
    await prepare(admin, service);
    expect(await admin.observe(service)).toEqual({
      missingRoles: [],
      databaseExists: true,
      databaseOwner: service.owner.role,
    });
    expect(await observe(service)).toMatchObject({
      owner: service.owner.role,
      missingRoles: [],
      rolesWithoutAccess: [],
    });
  });

  it('of 30 orchs at once makes each thing once, without an error', async () => {
    const service = testService(postgres, { extensions: [{ name: 'hstore', minimumVersion: undefined }] });
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        const admin = adminOf();
        await prepare(admin, service);
        await admin.createExtension(service, 'hstore');
      }),
    );
    const seen = await observe(service);
    expect(seen).toMatchObject({ missingRoles: [], rolesWithoutAccess: [] });
    expect(seen.extensions[0]?.installed).toBeDefined();
  });

  it('that was killed after CREATE DATABASE is finished by the next one', async () => {
    const service = testService(postgres);
    const admin = adminOf();
    await admin.createRole(service, service.owner.role);
    await runAsAdmin(
      postgres,
      `CREATE DATABASE ${service.database} OWNER ${service.owner.role} ALLOW_CONNECTIONS false`,
    );
    expect(await admin.observe(service)).toMatchObject({ databaseExists: false, databaseOwner: service.owner.role });
    expect(await admin.loss(service)).toBeUndefined();
    await admin.createDatabase(service);
    expect(await admin.observe(service)).toMatchObject({ databaseExists: true });
    await connect(ownerLocation(service));
  });

  it('does not open a database that an administrator closed', async () => {
    const service = testService(postgres);
    const admin = adminOf();
    await prepare(admin, service);
    await runAsAdmin(postgres, `ALTER DATABASE ${service.database} ALLOW_CONNECTIONS false`);
    await admin.createDatabase(service);
    await expect(database.connect(ownerLocation(service), 'test')).rejects.toMatchObject({ sqlstate: '55000' });
  });

  it('works with an admin role that is no superuser', async () => {
    const role = randomName('admin');
    await runAsAdmin(postgres, `CREATE ROLE ${role} LOGIN CREATEROLE CREATEDB PASSWORD 'admin'`);
    const service = testService(postgres, { extensions: [{ name: 'hstore', minimumVersion: undefined }] });
    const admin = adminOf(postgres, { role, password: 'admin' });
    await prepare(admin, service);
    await admin.createExtension(service, 'hstore');
    expect(await observe(service)).toMatchObject({ owner: service.owner.role, rolesWithoutAccess: [] });
    await admin.dropDatabase(service);
    expect(await admin.observe(service)).toMatchObject({ databaseExists: false });
  });

  it('without an admin role says what it would need one for', async () => {
    const service = testService(postgres);
    const wanted = { code: 'prerequisite-unmet', details: { what: 'admin-needed', name: service.database } };
    await expect(withoutAdmin().createDatabase(service)).rejects.toMatchObject(wanted);
    await expect(withoutAdmin().dropDatabase(service)).rejects.toMatchObject(wanted);
  });

  it('gives up where another keeps the server`s lock', async () => {
    const service = testService(postgres);
    let release = (): void => undefined;
    const kept = new Promise<void>((resolve) => (release = resolve));
    const { ClusterLock } = await import('../../src/adapters/postgres/cluster-lock.ts');
    const { signal } = new AbortController();
    const keeper = new ClusterLock({ database, clock: systemClock, signal, wait: 0 });
    let held = (): void => undefined;
    const isHeld = new Promise<void>((resolve) => (held = resolve));
    const keeping = keeper.hold(adminLocation(postgres), service, async () => {
      held();
      await kept;
    });
    await isHeld;
    await expect(adminOf(postgres, {}, { lockWait: 0 }).createRole(service, 'x')).rejects.toMatchObject({
      code: 'lock-held',
      details: { database: 'postgres', holder: { application: `orch admin ${run}` } },
    });
    release();
    await keeping;
  });
});

describe('roles', () => {
  it('one that exists keeps its password', async () => {
    const service = testService(postgres);
    await prepare(adminOf(), service);
    const changed = { ...service, owner: { ...service.owner, password: 'another' } };
    await adminOf().createRole(changed, service.owner.role);
    await connect(ownerLocation(service));
  });

  it('log in with the configured password, whatever characters are in it', async () => {
    for (const password of ['it\'s "quoted" \\ $$', 'grüße\u00a0ｆｕｌｌ ⅷ', ' ']) {
      const service = testService(postgres);
      const owner = { role: service.owner.role, password };
      await adminOf().createRole({ ...service, owner }, owner.role);
      await connect({ ...adminLocation(postgres), ...owner });
    }
  });

  it('no password reaches the server`s log', async () => {
    const server = await startEmbeddedPostgres({ adminPassword: 'admin', settings: { log_statement: 'all' } });
    onTestFinished(() => server.stop());
    const address = { ...server, hasVector: false, kind: 'embedded' } as const;
    const service = testService(address, { owner: { role: 'log_owner', password: 'canary-password' } });
    await prepare(adminOf(address), service);
    expect(server.readLog()).toContain('CREATE ROLE "log_owner" LOGIN PASSWORD');
    expect(server.readLog()).not.toContain('canary-password');
  });

  it('names are quoted, so that nothing in them is executed', async () => {
    const odd = `x"; DROP ROLE ${postgres.adminRole}; --`;
    const service = testService(postgres, { owner: { role: odd, password: 'x' }, roles: [] });
    onTestFinished(async () => {
      await adminOf().dropDatabase(service);
      await runAsAdmin(postgres, `DROP ROLE "${odd.replaceAll('"', '""')}"`);
    });
    await prepare(adminOf(), service);
    expect(await adminOf().observe(service)).toMatchObject({ missingRoles: [], databaseOwner: odd });
  });
});

describe('the database', () => {
  it('of someone else is refused', async () => {
    const service = testService(postgres);
    await runAsAdmin(postgres, `CREATE DATABASE ${service.database}`);
    await adminOf().createRole(service, service.owner.role);
    await expect(adminOf().createDatabase(service)).rejects.toMatchObject({
      code: 'prerequisite-unmet',
      details: { what: 'database-owner', wanted: service.owner.role, found: postgres.adminRole },
    });
  });

  it('is dropped with its sessions, or was not there', async () => {
    const service = testService(postgres);
    await prepare(adminOf(), service);
    const session = await connect(ownerLocation(service));
    const lost = new Promise((resolve) => session.onLost(resolve));
    await adminOf().dropDatabase(service);
    expect(await lost).toMatchObject({ sqlstate: '57P01' });
    await adminOf().dropDatabase(service);
    expect(await adminOf().observe(service)).toMatchObject({ databaseExists: false, missingRoles: [] });
    expect(await adminOf().loss(service)).toBeUndefined();
  });
});

describe('an application role', () => {
  it('reads and writes the owner`s tables, those of before and those to come', async () => {
    const service = testService(postgres);
    const admin = adminOf();
    await admin.createRole(service, service.owner.role);
    await admin.createRole(service, service.roles[0]?.name ?? '');
    await admin.createDatabase(service);
    const make = (name: string): string =>
      `CREATE TABLE public.${name} (id serial PRIMARY KEY, a text);
       CREATE FUNCTION public.${name}_f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION ${name}_f() FROM PUBLIC`;
    await runAt(ownerLocation(service), make('before'));
    expect((await observe(service)).rolesWithoutAccess).toEqual([service.roles[0]?.name]);
    await admin.grantAccess(service, service.roles[0]?.name ?? '');
    expect((await observe(service)).rolesWithoutAccess).toEqual([]);
    await runAt(ownerLocation(service), make('after'));
    for (const table of ['before', 'after']) {
      const sql = `INSERT INTO ${table} (a) VALUES ('x'); UPDATE ${table} SET a = 'y'; SELECT a, ${table}_f() AS f FROM ${table}`;
      expect(await runAt(appLocation(service), sql)).toEqual([{ a: 'y', f: 1 }]);
      await runAt(appLocation(service), `DELETE FROM ${table}`);
    }
  });

  it('runs no DDL and touches no ledger', async () => {
    const service = testService(postgres);
    await prepare(adminOf(), service);
    await ledger.create(await connect(ownerLocation(service)), service, writer);
    await runAt(ownerLocation(service), 'CREATE TABLE t (a int)');
    const app = appLocation(service);
    for (const sql of [
      'CREATE TABLE mine (a int)',
      'ALTER TABLE t ADD COLUMN b int',
      'DROP TABLE t',
      'TRUNCATE t',
      'CREATE SCHEMA mine',
      'SELECT * FROM orch.ledger',
      "UPDATE orch.ledger SET state = 'applied'",
      'DELETE FROM orch.log',
    ]) {
      expect(await sqlstateOf(runAt(app, sql)), sql).toBe('42501');
    }
    expect(await runAt(app, 'SELECT * FROM orch.heads')).toEqual([]);
  });

  it('reaches no other service`s database, and no more does an owner', async () => {
    const [mine, other] = [testService(postgres), testService(postgres)];
    for (const service of [mine, other]) await prepare(adminOf(), service);
    const intrude = { database: other.database };
    expect(await sqlstateOf(runAt({ ...appLocation(mine), ...intrude }, 'SELECT 1'))).toBe('42501');
    expect(await sqlstateOf(runAt({ ...ownerLocation(mine), ...intrude }, 'SELECT 1'))).toBe('42501');
    await connect(appLocation(other));
  });

  it('keeps what a revision took from it', async () => {
    const service = testService(postgres);
    await prepare(adminOf(), service);
    await runAt(ownerLocation(service), `CREATE TABLE t (a int); REVOKE DELETE ON t FROM ${service.roles[0]?.name}`);
    expect((await observe(service)).rolesWithoutAccess).toEqual([]);
    expect(await sqlstateOf(runAt(appLocation(service), 'DELETE FROM t'))).toBe('42501');
  });

  it('gets its access beside tables and functions that belong to another role', async () => {
    const service = testService(postgres);
    await prepare(adminOf(), service);
    await adminOf().createExtension(service, 'pg_stat_statements');
    const theirs = `CREATE TABLE theirs (a int); CREATE FUNCTION theirs() RETURNS int LANGUAGE sql AS 'SELECT 1';
      REVOKE ALL ON FUNCTION theirs() FROM PUBLIC`;
    await runAsAdmin(postgres, theirs, service.database);
    await adminOf().grantAccess(service, service.roles[0]?.name ?? '');
    expect((await observe(service)).rolesWithoutAccess).toEqual([]);
    expect(await sqlstateOf(runAt(appLocation(service), 'SELECT * FROM theirs'))).toBe('42501');
  });
});

describe('extensions', () => {
  const wanted = (name: string, minimumVersion?: string): Partial<Service> => ({
    extensions: [{ name, minimumVersion }],
  });

  it('are created in public, with those that they need, and again without complaint', async () => {
    const service = testService(postgres, wanted('earthdistance'));
    await prepare(adminOf(), service);
    await adminOf().createExtension(service, 'earthdistance');
    await adminOf().createExtension(service, 'earthdistance');
    const rows = await runAt(
      ownerLocation(service),
      "SELECT extnamespace::regnamespace::text AS s FROM pg_extension WHERE extname IN ('cube', 'earthdistance')",
    );
    expect(rows).toEqual([{ s: 'public' }, { s: 'public' }]);
  });

  it('that the server does not have, or has too old, are refused', async () => {
    const absent = testService(postgres, wanted('no_such_extension'));
    await prepare(adminOf(), absent);
    await expect(adminOf().createExtension(absent, 'no_such_extension')).rejects.toMatchObject({
      details: { what: 'extension-unavailable', name: 'no_such_extension', wanted: 'any version', found: 'none' },
    });
    const tooNew = { ...absent, ...wanted('hstore', '99.1') };
    const refused = { code: 'prerequisite-unmet', details: { what: 'extension-too-old', wanted: '99.1' } };
    await expect(adminOf().createExtension(tooNew, 'hstore')).rejects.toMatchObject(refused);
    await adminOf().createExtension(absent, 'hstore');
    await expect(adminOf().updateExtension(tooNew, 'hstore')).rejects.toMatchObject(refused);
  });

  it('below the minimum are updated; above it they are left alone', async () => {
    const service = testService(postgres, wanted('hstore', '1.5'));
    await prepare(adminOf(), service);
    await runAsAdmin(postgres, "CREATE EXTENSION hstore VERSION '1.4'", service.database);
    expect((await observe(service)).extensions).toEqual([
      { name: 'hstore', installed: '1.4', available: expect.stringMatching(/^1\.[5-9]/) },
    ]);
    await adminOf().updateExtension({ ...service, ...wanted('hstore', '1.4') }, 'hstore');
    expect((await observe(service)).extensions[0]?.installed).toBe('1.4');
    await adminOf().updateExtension(service, 'hstore');
    expect((await observe(service)).extensions[0]?.installed).not.toBe('1.4');
  });

  it('vector is there where the server brings it', async ({ skip }) => {
    skip(!postgres.hasVector, 'the embedded server has no pgvector');
    const service = testService(postgres, wanted('vector', '0.5'));
    await prepare(adminOf(), service);
    await adminOf().createExtension(service, 'vector');
    expect((await observe(service)).extensions[0]?.installed).toBeDefined();
  });
});

describe('loss', () => {
  it('counts tables, rows, bytes and the sessions of others', async () => {
    const service = testService(postgres);
    await prepare(adminOf(), service);
    await ledger.create(await connect(ownerLocation(service)), service, writer);
    await runAt(
      ownerLocation(service),
      `CREATE TABLE "Odd ""name" AS SELECT g FROM generate_series(1, 7) AS g; CREATE TABLE empty (a int);
       CREATE SCHEMA other; CREATE TABLE other.t (a int)`,
    );
    const other = await new PostgresDatabase({ run: 'somebody' }).connect(appLocation(service), 'else');
    onTestFinished(() => other.close());
    const loss = await adminOf().loss(service);
    expect(loss).toMatchObject({
      database: service.database,
      tables: [
        { name: 'other.t', rows: 0, exact: true },
        { name: 'Odd "name', rows: 7, exact: true },
        { name: 'empty', rows: 0, exact: true },
      ],
      sessions: [{ pid: other.pid, application: 'orch else somebody', role: service.roles[0]?.name }],
    });
    expect(loss?.size).toBeGreaterThan(1_000_000);
  });

  it('estimates where a table is locked', async () => {
    const service = testService(postgres);
    await prepare(adminOf(), service);
    const session = await connect(ownerLocation(service));
    await session.run('CREATE TABLE t AS SELECT g FROM generate_series(1, 50) AS g');
    await session.run('ANALYZE t');
    await session.run('BEGIN; LOCK TABLE t');
    expect((await adminOf().loss(service))?.tables).toEqual([{ name: 't', rows: 50, exact: false }]);
  });
});
