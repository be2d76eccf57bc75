import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { PostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import type { ObservedContents } from '../../src/core/observed.ts';
import type { Service } from '../../src/core/project.ts';
import type { Session } from '../../src/ports/database.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { createDatabase, ownerLocation, runAsAdmin } from '../support/test-database.ts';

const ledger = new PostgresLedger();
let postgres: TestPostgres;
let service: Service;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(() => postgres?.stop());

beforeEach(async () => {
  service = await createDatabase(postgres);
});

/** What is seen, and with how many messages. */
async function look(): Promise<{ readonly contents: ObservedContents | undefined; readonly messages: number }> {
  const session = await new PostgresDatabase({ run: randomUUID() }).connect(ownerLocation(service), 'lock');
  onTestFinished(() => session.close());
  let messages = 0;
  const counting: Session = new Proxy(session, {
    get(target, key) {
      if (key === 'run' || key === 'query') messages += 1;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const { contents } = await ledger.observe(counting, service);
  return { contents, messages };
}

async function inDatabase(sql: string): Promise<void> {
  await runAsAdmin(postgres, sql, service.database);
}

it('of an empty database there are none', async () => {
  expect(await look()).toEqual({ contents: undefined, messages: 2 });
});

it('are counted, tables first, the first five named; in no more messages than where there are none', async () => {
  await inDatabase(`CREATE TABLE z (id serial PRIMARY KEY, n int); CREATE INDEX ON z (n);
    CREATE TABLE parts (at date) PARTITION BY RANGE (at);
    CREATE TABLE part PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE VIEW v AS SELECT 1; CREATE TYPE t AS ENUM ('a'); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE SCHEMA "Odd"; CREATE TABLE "Odd".x ()`);
  const names = ['"Odd".x', 'public.parts', 'public.v', 'public.z', 'public.t'];
  expect(await look()).toEqual({ contents: { count: 7, names }, messages: 2 });
});

it('are not what extensions bring, nor the schema that one was put into', async () => {
  await inDatabase(`CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE EXTENSION pg_trgm;
    CREATE EXTENSION pg_buffercache; CREATE EXTENSION earthdistance CASCADE;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC`);
  expect((await look()).contents).toBeUndefined();
});

it('are not looked for where there is a ledger: one message', async () => {
  const session = await new PostgresDatabase({ run: randomUUID() }).connect(ownerLocation(service), 'lock');
  await ledger.create(session, service, { run: randomUUID(), host: 'h', version: '1' });
  await session.close();
  await inDatabase('CREATE TABLE by_hand ()');
  expect(await look()).toEqual({ contents: undefined, messages: 1 });
});
