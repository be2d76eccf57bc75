import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { introspection } from '../../src/adapters/postgres/introspect.ts';
import { PostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import type { Service } from '../../src/core/project.ts';
import type { Catalog } from '../../src/core/schema/catalog.ts';
import { type Difference, diffCatalogs } from '../../src/core/schema/diff.ts';
import { findOtherLedgers } from '../../src/core/schema/other-ledgers.ts';
import type { Session } from '../../src/ports/database.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { adminLocation, createDatabase, ownerLocation, runAsAdmin } from '../support/test-database.ts';

const SCHEMA = `
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('sad', 'it''s ok');
CREATE DOMAIN shop.email AS text NOT NULL DEFAULT 'x@y' CONSTRAINT at CHECK (VALUE LIKE '%@%');
CREATE TYPE shop.pair AS (a int, b text);
CREATE TYPE shop.span AS RANGE (subtype = float8);
CREATE SEQUENCE shop.numbers START 5 INCREMENT 2;
CREATE TABLE shop.users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  serial_no serial,
  "E mail" shop.email,
  name varchar(40) COLLATE "C" NOT NULL DEFAULT 'a;b',
  born timestamptz DEFAULT '2026-01-01 00:00:00+00',
  upper_name text GENERATED ALWAYS AS (upper(name)) STORED,
  mood shop.mood,
  CONSTRAINT uq_users_name UNIQUE (name),
  CONSTRAINT ck_users_name CHECK (length(name) > 1)
);
COMMENT ON TABLE shop.users IS 'who';
COMMENT ON COLUMN shop.users.name IS 'how';
CREATE INDEX ix_users_lower ON shop.users (lower(name)) WHERE mood IS NOT NULL;
CREATE TABLE shop.orders (id int PRIMARY KEY, "user" bigint REFERENCES shop.users, at date) WITH (fillfactor = 70);
CREATE TABLE shop.logs (at date NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE shop.logs_2026 PARTITION OF shop.logs FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX ix_logs_n ON shop.logs (n);
CREATE TABLE shop.special () INHERITS (shop.orders);
CREATE VIEW shop.names AS SELECT name FROM shop.users;
CREATE MATERIALIZED VIEW shop.counts AS SELECT count(*) AS n FROM shop.users;
CREATE UNIQUE INDEX ix_counts ON shop.counts (n);
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION shop.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
CREATE PROCEDURE shop.work(n int) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE shop.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE TRIGGER touch BEFORE UPDATE ON shop.users FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE RULE quiet AS ON DELETE TO shop.orders DO INSTEAD NOTHING;
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.orders FOR SELECT TO public USING (id > 0);
CREATE STATISTICS shop.st ON name, mood FROM shop.users;
CREATE OPERATOR shop.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE TEXT SEARCH CONFIGURATION shop.plain (COPY = pg_catalog.simple);
`;

let postgres: TestPostgres;
let left: Service;
let original: Catalog;

beforeAll(async () => {
  postgres = await startPostgres();
  left = await make();
  original = await catalogOf(left);
});

afterAll(() => postgres?.stop());

async function make(): Promise<Service> {
  const service = await createDatabase(postgres);
  const session = await connect(service);
  await session.run(`SET search_path = public; ${SCHEMA}`);
  await session.close();
  return service;
}

async function connect(service: Service): Promise<Session> {
  return await new PostgresDatabase({ run: randomUUID() }).connect(ownerLocation(service), 'observe');
}

async function catalogOf(service: Service): Promise<Catalog> {
  const session = await connect(service);
  try {
    return await introspection.catalog(session);
  } finally {
    await session.close();
  }
}

const short = (difference: Difference): string => {
  const { kind, of, name } = difference.object;
  const field = difference.what === 'changed' ? ` ${difference.field}` : '';
  return `${difference.what} ${kind} ${of === undefined ? name : `${of}/${name}`}${field}`;
};

describe('the catalog of a database', () => {
  it('is the same for two that were made in the same way, whatever settings their roles and databases have', async () => {
    const right = await make();
    await runAsAdmin(postgres, `ALTER DATABASE ${right.database} SET TimeZone = 'Asia/Tokyo'`);
    await runAsAdmin(postgres, `ALTER DATABASE ${right.database} SET quote_all_identifiers = on`);
    await runAsAdmin(postgres, `ALTER ROLE ${right.owner.role} SET IntervalStyle = 'iso_8601'`);
    expect(diffCatalogs(original, await catalogOf(right))).toEqual([]);
  });

  it('is read in one message, leaves no setting and no transaction, and shows nothing of orch, extensions and the system', async () => {
    const service = await createDatabase(postgres);
    const session = await connect(service);
    onTestFinished(() => session.close());
    await new PostgresLedger().create(session, service, { run: randomUUID(), host: 'h', version: '1' });
    await session.run('CREATE EXTENSION pg_trgm SCHEMA public');
    await session.run("SET TimeZone = 'Asia/Tokyo'");
    let messages = 0;
    const counting: Session = new Proxy(session, {
      get(target, key) {
        if (key === 'run' || key === 'query') messages += 1;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    expect(await introspection.catalog(counting)).toEqual({
      objects: [{ kind: 'extension', name: 'pg_trgm', of: undefined, owner: service.owner.role, fields: {} }],
    });
    expect(messages).toBe(1);
    expect(session.transaction).toBe('none');
    expect((await session.run('SHOW TimeZone')).rows).toEqual([{ TimeZone: 'Asia/Tokyo' }]);
  });

  const changes: readonly (readonly [string, readonly string[]])[] = [
    ['CREATE TABLE shop.more (a int PRIMARY KEY)', ['extra table shop.more']],
    ['DROP TABLE shop.special', ['missing table shop.special']],
    ['ALTER TABLE shop.users ADD nick text', ['changed table shop.users columns', 'extra column shop.users/nick']],
    [
      'ALTER TABLE shop.orders ALTER at TYPE timestamp',
      ['changed column shop.orders/at type', 'changed column shop.special/at type'],
    ],
    [
      'ALTER TABLE shop.users ALTER upper_name SET EXPRESSION AS (lower(name))',
      ['changed column shop.users/upper_name generated'],
    ],
    ["ALTER TABLE shop.users ALTER name SET DEFAULT 'x'", ['changed column shop.users/name default']],
    ['ALTER TABLE shop.users ALTER name DROP NOT NULL', ['changed column shop.users/name nullable']],
    ['ALTER TABLE shop.users ALTER id SET GENERATED BY DEFAULT', ['changed column shop.users/id identity']],
    [
      "ALTER TABLE shop.users ALTER born SET DEFAULT '2026-01-01 00:00:01+00'",
      ['changed column shop.users/born default'],
    ],
    ['ALTER TABLE shop.users ALTER name SET STORAGE EXTERNAL', ['changed column shop.users/name storage']],
    ['ALTER TABLE shop.users DROP CONSTRAINT ck_users_name', ['missing constraint shop.users/ck_users_name']],
    [
      'ALTER TABLE shop.users RENAME CONSTRAINT uq_users_name TO u',
      ['extra constraint shop.users/u', 'missing constraint shop.users/uq_users_name'],
    ],
    ['DROP INDEX shop.ix_users_lower', ['missing index shop.users/ix_users_lower']],
    ['DROP INDEX shop.ix_logs_n', ['missing index shop.logs/ix_logs_n']],
    ['CREATE INDEX ix_names ON shop.counts (n)', ['extra index shop.counts/ix_names']],
    [
      'CREATE OR REPLACE VIEW shop.names AS SELECT name FROM shop.users WHERE mood IS NULL',
      ['changed view shop.names definition'],
    ],
    ['DROP TRIGGER touch ON shop.users', ['missing trigger shop.users/touch']],
    ['ALTER TABLE shop.users DISABLE TRIGGER touch', ['changed trigger shop.users/touch enabled']],
    ['DROP RULE quiet ON shop.orders', ['missing rule shop.orders/quiet']],
    ['ALTER POLICY own ON shop.orders USING (id > 1)', ['changed policy shop.orders/own definition']],
    ['ALTER TABLE shop.orders FORCE ROW LEVEL SECURITY', ['changed table shop.orders row security']],
    ['ALTER TABLE shop.orders SET (fillfactor = 80)', ['changed table shop.orders options']],
    ['ALTER TABLE shop.special NO INHERIT shop.orders', ['changed table shop.special inherits']],
    [
      'ALTER TABLE shop.logs DETACH PARTITION shop.logs_2026',
      ['changed table shop.logs_2026 partition of', 'extra index shop.logs_2026/logs_2026_n_idx'],
    ],
    ['ALTER TABLE shop.logs_2026 SET UNLOGGED', ['changed table shop.logs_2026 persistence']],
    ["ALTER TYPE shop.mood ADD VALUE 'glad'", ['changed enum shop.mood values']],
    ['ALTER DOMAIN shop.email DROP CONSTRAINT at', ['changed domain shop.email definition']],
    [
      'ALTER TYPE shop.pair ADD ATTRIBUTE c int',
      ['extra column shop.pair/c', 'changed composite type shop.pair columns'],
    ],
    ['ALTER SEQUENCE shop.numbers INCREMENT 3', ['changed sequence shop.numbers definition']],
    ['ALTER SEQUENCE shop.users_id_seq INCREMENT 3', ['changed sequence shop.users/shop.users_id_seq definition']],
    [
      'ALTER SEQUENCE shop.users_serial_no_seq OWNED BY NONE',
      ['extra sequence shop.users_serial_no_seq', 'missing sequence shop.users/shop.users_serial_no_seq'],
    ],
    [
      "CREATE OR REPLACE FUNCTION shop.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a - b'",
      ['changed function shop.add(a integer, b integer) definition'],
    ],
    [
      'CREATE FUNCTION shop.add(a text) RETURNS text LANGUAGE sql AS $$ SELECT a $$',
      ['extra function shop.add(a text)'],
    ],
    ['DROP PROCEDURE shop.work', ['missing procedure shop.work(IN n integer)']],
    [
      "CREATE OR REPLACE AGGREGATE shop.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '1')",
      ['changed aggregate shop.total(integer) definition'],
    ],
    ["COMMENT ON COLUMN shop.users.name IS 'why'", ['changed column shop.users/name comment']],
    ['COMMENT ON TABLE shop.users IS NULL', ['changed table shop.users comment']],
    ['DROP STATISTICS shop.st', ['missing statistics shop.users/shop.st']],
    ['DROP OPERATOR shop.=== (int, int)', ['missing other operator shop.===(integer,integer)']],
    ['DROP TEXT SEARCH CONFIGURATION shop.plain', ['missing other text search configuration shop.plain']],
    ['CREATE SCHEMA extra', ['extra schema extra']],
    ['CREATE EXTENSION pg_trgm SCHEMA public', ['extra extension pg_trgm']],
    ['DROP TYPE shop.span', ['missing range type shop.span']],
    // Rows, privileges and the state of sequences are no part of it.
    ['INSERT INTO shop.orders (id) VALUES (1)', []],
    ['GRANT SELECT ON shop.users TO PUBLIC', []],
    ["SELECT nextval('shop.numbers')", []],
    ['ANALYZE', []],
  ];

  it.each(changes)('shows what one statement changed: %s', async (statement, expected) => {
    const copy = `${left.database}_${randomUUID().slice(0, 8)}`;
    await runAsAdmin(postgres, `CREATE DATABASE ${copy} TEMPLATE ${left.database} OWNER ${left.owner.role}`);
    await runAsAdmin(postgres, statement, copy);
    const session = await new PostgresDatabase({ run: randomUUID() }).connect(adminLocation(postgres, copy), 'observe');
    const found = await introspection.catalog(session);
    await session.close();
    await runAsAdmin(postgres, `DROP DATABASE ${copy}`);
    expect(diffCatalogs(original, found).map(short).sort()).toEqual([...expected].sort());
  });
});

describe("other tools' ledgers", () => {
  it('are known by name and columns, in any schema, and say their newest version', async () => {
    const service = await createDatabase(postgres);
    const session = await connect(service);
    onTestFinished(() => session.close());
    await session.run(`SET search_path = public; CREATE SCHEMA audit;
      CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
      INSERT INTO alembic_version VALUES ('b2'), ('a1');
      CREATE TABLE audit.flyway_schema_history (installed_rank int PRIMARY KEY, version text, checksum int);
      INSERT INTO audit.flyway_schema_history VALUES (1, '9'), (2, '10');
      CREATE TABLE "SequelizeMeta" (name text PRIMARY KEY);
      CREATE TABLE migrations (id int, what text);
      CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty bool);
      INSERT INTO schema_migrations VALUES (3, false)`);
    const found = findOtherLedgers(await introspection.catalog(session));
    const said: Record<string, unknown> = {};
    for (const ledger of found)
      said[`${ledger.tool} ${ledger.shown}`] = await introspection.recordedVersion(session, ledger);
    expect(said).toEqual({
      'Alembic alembic_version': 'a1, b2',
      'Flyway audit.flyway_schema_history': '10',
      'Sequelize "SequelizeMeta"': undefined,
      'golang-migrate schema_migrations': '3',
    });
  });

  it('that the role may not read say nothing', async () => {
    const service = await createDatabase(postgres);
    await runAsAdmin(
      postgres,
      "CREATE TABLE public.alembic_version (version_num text); INSERT INTO public.alembic_version VALUES ('1')",
      service.database,
    );
    const session = await connect(service);
    onTestFinished(() => session.close());
    const [ledger] = findOtherLedgers(await introspection.catalog(session));
    expect(ledger).toBeDefined();
    if (ledger !== undefined) expect(await introspection.recordedVersion(session, ledger)).toBeUndefined();
    expect((await session.run('SELECT 1 AS still')).rows).toEqual([{ still: 1 }]);
  });
});
