import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, jsonLines, run } from './support.ts';

const revisions = {
  '001_users.up.sql': 'CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL);',
  '001_users.down.sql': 'DROP TABLE users;',
};

const wanted = `CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email text NOT NULL,
  phone text,
  CONSTRAINT uq_users_email UNIQUE (email)
);
CREATE VIEW phones AS SELECT phone FROM users;
`;

async function makeShop(yaml: string, files: Readonly<Record<string, string>> = {}): Promise<ProjectFolder> {
  const shop = await makeProject({ auth: { revisions, yaml } });
  for (const [file, text] of Object.entries(files)) await shop.write(`auth/${file}`, text);
  expect((await run(shop, ['migrate'])).code).toBe(0);
  return shop;
}

const listed = (shop: ProjectFolder): Promise<readonly string[]> => readdir(join(shop.folder, 'auth/revisions'));
const read = (shop: ProjectFolder, file: string): Promise<string> => readFile(join(shop.folder, file), 'utf8');

/** Names of throwaway databases that are still there. */
async function throwaways(shop: ProjectFolder): Promise<readonly unknown[]> {
  return await shop.sql(
    undefined,
    `SELECT datname FROM pg_database WHERE datname LIKE 'orch\\_autogenerate\\_%${shop.database('auth')}'`,
  );
}

describe('orch revision --autogenerate', () => {
  test('writes what leads to the schema of service.yaml, and back; applied, there is nothing more to write', async () => {
    const shop = await makeShop('schema: schema.sql\n', { 'schema.sql': wanted });
    const { code, stdout, stderr } = await run(shop, ['revision', '--autogenerate', '-m', 'phones']);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe('auth/revisions/002_phones.up.sql\nauth/revisions/002_phones.down.sql\n');
    expect(stderr).toContain('auth: compared what 001_users leaves with auth/schema.sql: 3 differences\n');
    const up = await read(shop, 'auth/revisions/002_phones.up.sql');
    expect(up).toMatch(/^-- orch: message phones\n(?:-- orch: .*\n)+\n-- Made by orch from the difference between/);
    expect(up.split('\n\n').slice(2).join('\n\n')).toBe(
      `ALTER TABLE public.users ADD COLUMN phone text;
ALTER TABLE public.users ADD CONSTRAINT uq_users_email UNIQUE (email);

CREATE VIEW public.phones AS
 SELECT phone
   FROM public.users;
`,
    );
    expect(await read(shop, 'auth/revisions/002_phones.down.sql')).toContain(
      'DROP VIEW public.phones;\n\nALTER TABLE public.users DROP CONSTRAINT uq_users_email;\n',
    );
    expect((await run(shop, ['migrate'])).code).toBe(0);
    const again = await run(shop, ['revision', '--autogenerate', '-m', 'nothing']);
    expect(again).toMatchObject({ code: 0, stdout: '' });
    expect(again.stderr).toContain(
      'compared what 002_phones leaves with auth/schema.sql: no difference: nothing to write',
    );
    expect(await listed(shop)).toHaveLength(4);
    const hand = await run(shop, ['revision', '--autogenerate', '--check', '--from', 'database']);
    expect(hand).toMatchObject({ code: 0, stdout: '' });
    expect((await run(shop, ['downgrade', '-1', '--yes'])).code).toBe(0);
    expect(await throwaways(shop)).toEqual([]);
  });

  test('without a schema it takes the database for what is wanted, which was changed by hand; then that is stamped', async () => {
    const shop = await makeShop('');
    await shop.sql(
      'auth',
      `SET ROLE "${shop.owner('auth')}"; CREATE TABLE alembic_version (version_num varchar(32));
      CREATE TYPE mood AS ENUM ('sad'); ALTER TABLE users ADD mood mood`,
    );
    const { code, stderr } = await run(shop, ['revision', '--autogenerate', '-m', 'moods']);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(
      `compared what 001_users leaves with the database ${shop.database('auth')}: 2 differences`,
    );
    expect(stderr).toContain("orch stamp --service auth 002_moods --reason 'changed by hand'");
    expect(await read(shop, 'auth/revisions/002_moods.up.sql')).not.toContain('alembic_version');
    expect((await run(shop, ['stamp', '--service', 'auth', '002_moods', '--reason', 'changed by hand'])).code).toBe(0);
    expect((await run(shop, ['check'])).code).toBe(0);
    expect((await run(shop, ['revision', '--autogenerate', '--check'])).code).toBe(0);
  });

  test('--check prints the statements, writes nothing and exits with 3; in JSON too', async () => {
    const shop = await makeShop('schema: schema\n', {
      'schema/1.sql': wanted,
      'schema/2.sql': 'CREATE INDEX ix_users_phone ON users (phone);',
      'schema/notes.txt': 'no SQL',
    });
    const { code, stdout } = await run(shop, ['revision', '--autogenerate', '--check']);
    expect(code).toBe(3);
    expect(stdout).toContain('CREATE INDEX ix_users_phone ON public.users USING btree (phone);\n');
    const json = await run(shop, ['revision', '--autogenerate', '--check', '--output', 'json']);
    expect(json.code).toBe(3);
    expect(jsonLines(json).find(({ type }) => type === 'autogenerated')).toMatchObject({
      service: 'auth',
      heads: ['001_users'],
      from: 'schema',
      up: stdout,
      left: { up: [], down: [] },
    });
    expect(await listed(shop)).toHaveLength(2);
  });

  test('what no statement is written for is left to the author: on stderr and in the file', async () => {
    const aggregate = "CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');";
    const shop = await makeShop('schema: schema.sql\n', { 'schema.sql': `${wanted}${aggregate}` });
    const { code, stderr } = await run(shop, ['revision', '--autogenerate', '-m', 'sums']);
    expect(code).toBe(0);
    expect(stderr).toContain('left to you (up): aggregate public.total(integer) is missing\n');
    expect(await read(shop, 'auth/revisions/002_sums.up.sql')).toContain(
      '-- LEFT TO YOU: aggregate public.total(integer) is to be created\n',
    );
  });

  test('a fault in the schema is told with file, line and column; nothing is written, no throwaway stays', async () => {
    const shop = await makeShop('schema: schema.sql\n', {
      'schema.sql': 'CREATE TABLE a (id int);\nCREATE TABLE b (id nt);\n',
    });
    const ended = await run(shop, ['revision', '--autogenerate', '-m', 'x']);
    expectFault(ended, {
      code: 5,
      happened: ['type "nt" does not exist', 'auth/schema.sql:2:20'],
      now: 'no file was written',
      next: 'orch revision --service auth --autogenerate',
    });
    await shop.write('auth/schema.sql', 'CREATE TABLE a (id int);\n\\i other.sql\n');
    expectFault(await run(shop, ['revision', '--autogenerate', '-m', 'x']), {
      code: 2,
      happened: 'auth/schema.sql:2:1',
      now: '',
      next: '',
    });
    expect(await listed(shop)).toHaveLength(2);
    expect(await throwaways(shop)).toEqual([]);
  });

  test('a database that is not at the head is no wanted schema', async () => {
    const shop = await makeShop('');
    await shop.write('auth/revisions/002_more.up.sql', 'CREATE TABLE more (id int);');
    expectFault(await run(shop, ['revision', '--autogenerate', '-m', 'x']), {
      code: 2,
      happened: 'is not at the head of its revisions: 002_more is not applied',
      now: 'no file was written',
      next: 'orch migrate --service auth',
    });
  });

  test('options that do not go together are refused', async () => {
    const shop = await makeProject({ auth: { revisions } });
    for (const [args, said] of [
      [['-m', 'x', '--check'], "'--check' goes with --autogenerate only"],
      [['-m', 'x', '--autogenerate', '--ts'], "'--ts' does not go with --autogenerate"],
      [['--autogenerate'], "required option '-m, --message <text>' not specified"],
    ] as const) {
      const ended = await run(shop, ['revision', ...args]);
      expect(ended, ended.output).toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
    }
    const ended = await run(shop, ['revision', '--autogenerate', '--check', '--from', 'schema']);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('has no schema to compare with') });
  });
});
