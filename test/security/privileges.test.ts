import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databaseKey } from '../../src/adapters/postgres/advisory-lock.ts';
import type { Service } from '../../src/core/project.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { run } from './support.ts';

const table = 'CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);\n';
const passwords = { owner: 'owner-canary-7f3a', app: 'app-canary-91bc' } as const;

/** Two services, migrated: each with its database, its owner and its application role. */
async function twoServices(options: Parameters<typeof makeProject>[1] = {}): Promise<ProjectFolder> {
  const project = await makeProject(
    {
      shop: { revisions: { '001_item.up.sql': table } },
      stock: { revisions: { '001_item.up.sql': table } },
    },
    options,
  );
  const ended = await run(project, ['migrate']);
  expect(ended.code, ended.output).toBe(0);
  return project;
}

type Who = 'owner' | 'app';

async function connectAs(project: ProjectFolder, who: Who, service: string, database = service): Promise<pg.Client> {
  const { host, port } = project.postgres;
  const user = project[who](service);
  const client = new pg.Client({ host, port, user, password: passwords[who], database: project.database(database) });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

/** The SQLSTATE; undefined: it went well. Whatever it did is rolled back, unless it cannot be. */
async function refusal(client: pg.Client, sql: string): Promise<string | undefined> {
  try {
    await client.query(sql);
    return undefined;
  } catch (error) {
    return (error as pg.DatabaseError).code;
  }
}

const DENIED = '42501';

const forbidden = [
  'CREATE TABLE t (a int)',
  'CREATE TABLE public.t (a int)',
  'CREATE TABLE orch.t (a int)',
  'CREATE SCHEMA s',
  'CREATE VIEW v AS SELECT 1',
  'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
  'CREATE TYPE t AS ENUM ()',
  'CREATE EXTENSION pgcrypto',
  'CREATE ROLE r',
  'CREATE DATABASE d',
  'ALTER TABLE item ADD COLUMN a int',
  'ALTER TABLE item OWNER TO CURRENT_USER',
  'CREATE INDEX ON item (name)',
  'DROP TABLE item',
  'TRUNCATE item',
  'CREATE TRIGGER t BEFORE INSERT ON item EXECUTE FUNCTION suppress_redundant_updates_trigger()',
  'GRANT SELECT ON orch.ledger TO PUBLIC',
  "COPY item TO PROGRAM 'true'",
  "COPY item FROM '/etc/passwd'",
  "SELECT pg_read_file('/etc/passwd')",
  'ALTER SYSTEM SET work_mem = 1',
  'SELECT * FROM orch.ledger',
  'SELECT * FROM orch.log',
  'SELECT * FROM orch.cursor',
  'SELECT * FROM orch.meta',
  "INSERT INTO orch.log (run_id, action, outcome, duration_ms, host, orch_version) VALUES (gen_random_uuid(), 'a', 'b', 0, 'h', '1')",
  "UPDATE orch.ledger SET state = 'applied'",
  'DELETE FROM orch.ledger',
  'TRUNCATE orch.log',
  "SELECT nextval('orch.ledger_sequence_seq')",
  'DROP VIEW orch.heads',
  'DROP SCHEMA orch',
  'SELECT rolpassword FROM pg_authid',
];

describe('the application role of a service', () => {
  it('reads and writes rows of tables, also of those that later revisions make', async () => {
    const project = await twoServices();
    await project.write('shop/revisions/002_more.up.sql', table.replace('item', 'more'));
    await run(project, ['migrate']);
    const app = await connectAs(project, 'app', 'shop');
    for (const name of ['item', 'more']) {
      await app.query(`INSERT INTO ${name} (name) VALUES ('a'); UPDATE ${name} SET name = 'b'`);
      expect((await app.query(`DELETE FROM ${name} RETURNING name`)).rows).toEqual([{ name: 'b' }]);
    }
  });

  it('may read which revisions are applied, and nothing else of orch; owns nothing, and has no power over the server', async () => {
    const project = await twoServices();
    const app = await connectAs(project, 'app', 'shop');
    expect((await app.query('SELECT name FROM orch.heads')).rows).toEqual([{ name: '001_item' }]);
    const refused: [string, string | undefined][] = [];
    for (const sql of forbidden) refused.push([sql, await refusal(app, sql)]);
    expect(refused).toEqual(forbidden.map((sql) => [sql, DENIED]));
    const owners = `SELECT DISTINCT pg_get_userbyid(relowner) AS owner FROM pg_class
      WHERE relnamespace IN ('public'::regnamespace, 'orch'::regnamespace)`;
    expect(await project.sql('shop', owners)).toEqual([{ owner: project.owner('shop') }]);
    const names = `'${project.owner('shop')}', '${project.app('shop')}'`;
    const powers = 'rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls';
    const rows = await project.sql(undefined, `SELECT DISTINCT ${powers} FROM pg_roles WHERE rolname IN (${names})`);
    expect(rows).toEqual([Object.fromEntries(powers.split(', ').map((power) => [power, false]))]);
    const members = `SELECT FROM pg_auth_members AS m JOIN pg_roles AS r ON r.oid = m.member WHERE r.rolname IN (${names})`;
    expect(await project.sql(undefined, members)).toEqual([]);
  });

  it('and the owner reach no other database, and are nobody else', async () => {
    const project = await twoServices();
    for (const who of ['app', 'owner'] as const) {
      await expect(connectAs(project, who, 'shop', 'stock')).rejects.toMatchObject({ code: DENIED });
      const own = await connectAs(project, who, 'shop');
      const others = [project.owner('stock'), project.app('stock'), project.postgres.adminRole];
      if (who === 'app') others.push(project.owner('shop'));
      for (const other of others) expect(await refusal(own, `SET ROLE ${other}`), other).toBe(DENIED);
    }
  });

  it('that holds orch’s lock is named, and waited for no longer than was said', async () => {
    const project = await twoServices();
    await project.write('shop/revisions/002_more.up.sql', 'SELECT 1;');
    const app = await connectAs(project, 'app', 'shop');
    await app.query(`SELECT pg_advisory_lock(${databaseKey({ database: project.database('shop') } as Service)})`);
    const ended = await run(project, ['migrate', '--service', 'shop', '--lock-wait', '300ms']);
    expect(ended.code, ended.output).toBe(4);
    expect(ended.output).toContain(`role ${project.app('shop')}`);
  });

  it.each(['the owner', 'the admin', 'a superuser', 'the public'])('is not %s under another name', async (which) => {
    const project = await makeProject({ shop: { revisions: { '001_item.up.sql': table } } });
    const name = {
      'the owner': project.owner('shop'),
      'the admin': project.postgres.adminRole,
      'the public': 'public',
    };
    const root = `root_${project.app('shop')}`;
    if (which === 'a superuser') await project.sql(undefined, `CREATE ROLE ${root} SUPERUSER LOGIN`);
    onTestFinished(async () => void (await project.sql(undefined, `DROP ROLE IF EXISTS ${root}`)));
    await project.write(
      'shop/service.yaml',
      `name: shop
database: ${project.database('shop')}
owner: { role: ${project.owner('shop')}, password: ${passwords.owner} }
prerequisites: { roles: [{ name: ${name[which as keyof typeof name] ?? root}, access: application }] }
`,
    );
    const ended = await run(project, ['migrate']);
    expect(ended.code, ended.output).toBe(2);
  });
});

describe('the admin role of a server', () => {
  it('need not be a superuser: CREATEDB and CREATEROLE are enough', async () => {
    const project = await makeProject({ shop: { revisions: { '001_item.up.sql': table } } });
    const { host, port } = project.postgres;
    const name = `boot_${project.app('shop')}`;
    await project.sql(undefined, `CREATE ROLE ${name} LOGIN CREATEDB CREATEROLE PASSWORD 'boot'`);
    onTestFinished(async () => {
      await project.sql(undefined, `DROP DATABASE IF EXISTS ${project.database('shop')} WITH (FORCE)`);
      await project.sql(undefined, `DROP OWNED BY ${name} CASCADE; DROP ROLE ${name}`);
    });
    const url = `postgresql://${name}:boot@${host}:${port}/postgres`;
    const ended = await run(project, ['migrate'], { ORCH_SERVER_URL: url });
    expect(ended.code, ended.output).toBe(0);
    const app = await connectAs(project, 'app', 'shop');
    expect((await app.query('SELECT * FROM item')).rows).toEqual([]);
  });

  it('runs nothing that a service left in its database, and neither does the ledger', async () => {
    // Each would, found first by its name, hand over the rights of whoever calls it.
    const trap = `
CREATE TABLE trapped (who text, what text);
CREATE FUNCTION trap(what text) RETURNS void LANGUAGE sql AS $$ INSERT INTO public.trapped VALUES (current_user, what) $$;
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM public.trap('now'); RETURN pg_catalog.now(); END $$;
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM public.trap('clock_timestamp'); RETURN 'epoch'; END $$;
CREATE FUNCTION public.pg_advisory_lock(bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM public.trap('lock'); END $$;
CREATE FUNCTION public.pg_try_advisory_lock(bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM public.trap('try'); RETURN true; END $$;
CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.trap('setting'); RETURN '0'; END $$;
CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.trap('format'); RETURN 'SELECT 1'; END $$;
CREATE FUNCTION public.text_is(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM public.trap('='); RETURN true; END $$;
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.text_is);
CREATE TABLE public.pg_roles (rolname text); CREATE TABLE public.pg_class (relname text);
CREATE FUNCTION public.sly() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.trap('event'); END $$;
`;
    const project = await twoServices();
    const path = 'public, pg_catalog';
    await project.write('shop/revisions/002_trap.up.sql', trap);
    await project.write('shop/revisions/002_trap.down.sql', 'SELECT 1;');
    expect((await run(project, ['migrate'])).code).toBe(0);
    await project.sql('shop', 'DELETE FROM trapped');
    for (const role of [project.owner('shop'), project.postgres.adminRole])
      await project.sql(
        undefined,
        `ALTER ROLE ${role} IN DATABASE ${project.database('shop')} SET search_path = ${path}`,
      );
    await project.write('shop/revisions/003_more.up.sql', 'SELECT 1;');
    await project.write('shop/revisions/003_more.down.sql', 'SELECT 1;');
    await project.write('shop/revisions/004_out.up.sql', '-- orch: transaction none\nSELECT 1;\nSELECT 2;');
    await project.write('shop/revisions/004_out.down.sql', 'SELECT 1;');
    const yaml = `prerequisites: { roles: [{ name: ${project.app('shop')}, password: ${passwords.app} }], extensions: [pgcrypto] }`;
    const service = `name: shop\ndatabase: ${project.database('shop')}\nowner: { role: ${project.owner('shop')}, password: ${passwords.owner} }\n`;
    await project.write('shop/service.yaml', `${service}${yaml}\n`);
    for (const args of [
      ['plan'],
      ['migrate'],
      ['status'],
      ['current', '-v'],
      ['check'],
      ['history'],
      ['downgrade', '002', '--yes', '--service', 'shop'],
      ['stamp', 'head', '--service', 'shop'],
    ]) {
      const ended = await run(project, args);
      expect([0, 1], `${args.join(' ')}\n${ended.output}`).toContain(ended.code);
    }
    const trapped = 'SELECT who, what FROM public.trapped';
    expect(await project.sql('shop', trapped)).toEqual([]);
    expect((await run(project, ['reset', 'shop', '--yes'])).code).toBe(0);
  });
});
