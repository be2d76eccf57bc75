import { randomUUID } from 'node:crypto';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import { PostgresServerAdmin } from '../../src/adapters/postgres/server-admin.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { Service } from '../../src/core/project.ts';
import { DatabaseError, type Session } from '../../src/ports/database.ts';
import { sqlRevision } from '../support/revisions.ts';
import { ownerLocation, testService } from '../support/test-database.ts';

const writer = { run: randomUUID(), host: 'here', version: '1' };
const noTimeouts = { lockTimeout: 0, statementTimeout: 0 };
const ledger = new PostgresLedger();
const app = 'app_role';
let pglite: PGlite;
let session: Session;
let service: Service;

beforeAll(async () => {
  pglite = await PGlite.create();
  session = sessionOver(pglite);
  const nowhere = {
    host: '127.0.0.1',
    port: 1,
    adminRole: 'postgres',
    adminPassword: '',
    hasVector: false,
    kind: 'embedded',
  } as const;
  service = testService(nowhere, { roles: [{ name: app, password: 'x', access: 'application' }] });
});

afterAll(async () => {
  await pglite?.close();
});

/** PGlite's one session, as orch sees it over a socket. */
function sessionOver(database: PGlite): Session {
  return {
    pid: 1,
    shared: true,
    transaction: 'none',
    copyIn: async () => {
      throw new DatabaseError('COPY is not available', { sqlstate: '0A000', connection: false });
    },
    run: async (sql, options = {}) => {
      const results = await database.exec(sql).catch(translate);
      const result = typeof options.rowsOf === 'number' ? results[options.rowsOf] : results.at(-1);
      return {
        rows: (result?.rows ?? []) as Record<string, unknown>[],
        command: '',
        rowCount: result?.affectedRows ?? 0,
      };
    },
    query: async <Row>(sql: string, parameters: readonly unknown[] = []) => {
      const { rows, affectedRows } = await database.query<Row>(sql, [...parameters]).catch(translate);
      return { rows, command: '', rowCount: Math.max(rows.length, affectedRows ?? 0) };
    },
    onNotice: () => () => undefined,
    onLost: () => undefined,
    close: async () => undefined,
  };
}

function translate(error: { readonly code: string; readonly message: string }): never {
  throw new DatabaseError(error.message, { sqlstate: error.code, connection: false, cause: error });
}

it('the ledger and the prerequisites work on PGlite with the same SQL', async () => {
  const location = ownerLocation(service, { sessions: 'one' });
  const admin = new PostgresServerAdmin({
    database: { connect: async () => session },
    clock: systemClock,
    run: writer.run,
    signal: new AbortController().signal,
    lockWait: 1_000,
    targets: { owner: () => location, admin: () => location },
  });
  expect((await admin.observe(service)).missingRoles).toEqual([service.owner.role, app]);
  await admin.createRole(service, service.owner.role);
  await admin.createRole(service, app);
  expect(await ledger.observe(session, service)).toMatchObject({
    ledger: undefined,
    missingRoles: [],
    rolesWithoutAccess: [app],
  });
  await admin.grantAccess(service, app);
  await ledger.create(session, service, writer);
  await ledger.create(session, service, writer);

  const users = sqlRevision('001_users');
  await ledger.begin(session, users, writer, noTimeouts);
  await session.run('CREATE TABLE users (a int); INSERT INTO users VALUES (1)');
  await ledger.commit(session, users, writer, 3);
  const outside = sqlRevision('002_outside', { parents: ['001_users'] });
  await ledger.start(session, outside, writer);
  await ledger.progress(session, outside, 1);
  await ledger.finish(session, outside, writer, 4);

  const seen = await ledger.observe(session, service);
  expect(seen).toMatchObject({ missingRoles: [], rolesWithoutAccess: [] });
  expect(seen.ledger?.rows).toMatchObject([
    { name: '001_users', state: 'applied', duration: 3 },
    { name: '002_outside', state: 'applied', statementsDone: 1 },
  ]);
  await session.run(`SET ROLE ${app}`);
  expect((await session.query('SELECT name FROM orch.heads')).rows).toEqual([{ name: '002_outside' }]);
  expect((await session.query('SELECT a FROM users')).rows).toEqual([{ a: 1 }]);
  await expect(session.query('SELECT * FROM orch.ledger')).rejects.toMatchObject({ sqlstate: '42501' });
  await session.run('RESET ROLE');
});
