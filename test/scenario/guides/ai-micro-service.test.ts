import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ended, RunningOrch } from '../../support/orch.ts';
import { copySample, type SampleProject } from '../../support/sample-project.ts';

/**
 * The summary of ai-micro-service: each of its blocks about the databases, in its order, as orch does it. Its three
 * services with their revisions are this repository's sample. Every test goes on where the one before it ended.
 */
let sample: SampleProject;
let holder: RunningOrch;

beforeAll(async () => {
  sample = await copySample();
});

afterAll(() => sample?.remove());

async function ends(code: number, ...args: readonly string[]): Promise<Ended> {
  const ended = await sample.run(...args);
  expect(ended.code, `orch ${args.join(' ')}\n${ended.output}`).toBe(code);
  return ended;
}

const done = async (...args: readonly string[]): Promise<string> => (await ends(0, ...args)).stdout;

/** One statement in the database that a service is told of, as the superuser of psql. */
async function sql(database: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const state = JSON.parse(await readFile(join(sample.folder, '.orch', 'local', 'state.json'), 'utf8')) as {
    databases: readonly { database: string; host: string; port: number }[];
  };
  const { host, port } = state.databases.find((one) => one.database === database) ?? expect.fail(`no ${database}`);
  const client = new pg.Client({ host, port, user: 'postgres', database });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

const tables = async (database: string): Promise<readonly unknown[]> =>
  (await sql(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).map(
    ({ tablename }) => tablename,
  );

describe('at start-up', () => {
  test('one command initialises and migrates the three databases, and starts the services only then', async () => {
    holder = sample.start('up');
    await holder.said('3 services ready');
    for (const service of ['api-auth', 'api-user', 'api-admin'] as const) {
      expect((await sample.health(service)).status, service).toBe(200);
    }
  });

  test('api-auth: uuid extension, users with a unique email', async () => {
    expect(await sql('authdb', "SELECT extname FROM pg_extension WHERE extname = 'uuid-ossp'")).toHaveLength(1);
    expect(await tables('authdb')).toEqual(['roles', 'sessions', 'users']);
    expect(await sql('authdb', "SELECT conname FROM pg_constraint WHERE conname = 'uq_users_email'")).toHaveLength(1);
  });

  test('api-admin: vector extension, the tables of 001 and 002, the trigger function, the data of 003', async () => {
    expect(await sql('admindb', "SELECT extname FROM pg_extension WHERE extname = 'vector'")).toHaveLength(1);
    expect(await tables('admindb')).toEqual([
      'collections',
      'documents',
      'knowledge_bases',
      'langchain_pg_collection',
      'langchain_pg_embedding',
      'login_logs',
      'prompt_templates',
      'query_classifications',
      'system_logs',
      'system_settings',
    ]);
    expect(await sql('admindb', "SELECT FROM pg_proc WHERE proname = 'update_updated_at_column'")).toHaveLength(1);
    expect(await sql('admindb', 'SELECT FROM prompt_templates')).toHaveLength(2);
    expect(await sql('admindb', 'SELECT name FROM langchain_pg_collection')).toEqual([{ name: 'default' }]);
  });
});

describe('making a new revision', () => {
  const written = 'services/api-auth/revisions/004_add_new_column';

  test('1. an empty one', async () => {
    expect(await done('revision', '--service', 'api-auth', '-m', 'add new column')).toBe(
      `${written}.up.sql\n${written}.down.sql\n`,
    );
  });

  test('3. it is looked at and filled in', async () => {
    await sample.write(
      `${written}.up.sql`,
      '-- orch: message add new column\nALTER TABLE users ADD COLUMN new_column text;\n',
    );
    await sample.write(`${written}.down.sql`, 'ALTER TABLE users DROP COLUMN new_column;\n');
    expect(await done('show', '--service', 'api-auth', 'head')).toContain('ADD COLUMN new_column');
    expect(await done('plan', '--service', 'api-auth')).toContain('apply 004_add_new_column');
  });

  test('4. it is tried', async () => {
    expect(await done('migrate', '--service', 'api-auth')).toMatch(/004_add_new_column +1 revision applied/);
    expect(await sql('authdb', 'SELECT new_column FROM users LIMIT 1')).toHaveLength(1);
  });

  test('5. and taken back, in this service alone', async () => {
    await done('downgrade', '--service', 'api-auth', '-1', '--yes');
    await expect(sql('authdb', 'SELECT new_column FROM users')).rejects.toThrow('does not exist');
    expect(await done('current')).toMatch(/api-admin +admindb +003_seed_default_prompt_templates +3 /);
  });
});

describe('the state', () => {
  test('the current version, of every service or of one', async () => {
    const current = await done('current');
    expect(current).toMatch(/api-auth +authdb +003_sessions +3 /);
    expect(current).toMatch(/api-user +apidb +005_full_name_index +5 /);
    expect(await done('current', '--service', 'api-user')).not.toContain('api-auth');
  });

  test('the history', async () => {
    const history = await done('history', '--service', 'api-auth');
    expect(history).toMatch(/004_add_new_column +003_sessions +head +pending +add new column/);
    expect(history).toMatch(/001_initial_users_table +base +applied/);
  });

  test('what is not applied', async () => {
    expect(await done('heads')).toMatch(/api-auth +004_add_new_column/);
    const { stdout } = await ends(3, 'status');
    expect(stdout).toMatch(/api-auth +authdb +003_sessions +1: 004_add_new_column/);
    expect(stdout).toMatch(/api-user +apidb +005_full_name_index +none/);
  });
});

describe('a revision for data', () => {
  const file = 'services/api-admin/revisions/004_insert_seed_data';

  test('is applied once, leaves rows that are there already, and takes its own away again', async () => {
    await sample.write(
      `${file}.up.sql`,
      `-- orch: message Insert seed data.
INSERT INTO system_settings (key, value)
VALUES ('value1', '"value2"')
ON CONFLICT (key) DO NOTHING;
`,
    );
    await sample.write(`${file}.down.sql`, "DELETE FROM system_settings WHERE key = 'value1';\n");
    await done('migrate', '--service', 'api-admin');
    expect(await sql('admindb', 'SELECT key, value FROM system_settings')).toEqual([
      { key: 'value1', value: 'value2' },
    ]);
    expect(await done('migrate', '--service', 'api-admin')).toMatch(/^Nothing to do/);
    await done('downgrade', '--service', 'api-admin', '003', '--yes');
    expect(await sql('admindb', 'SELECT FROM system_settings')).toEqual([]);
  });
});

describe('trouble', () => {
  test('nothing is migrated: the log of the service, and where its database is', async () => {
    const follower = sample.start('logs', '--follow', 'api-auth');
    await follower.said('api-auth');
    follower.child.kill('SIGINT');
    await follower.ended;
    expect(await done('current', '--service', 'api-auth', '--verbose')).toMatch(
      /api-auth \(authdb\): 003_sessions, not at its head/,
    );
  });

  test('all the way down, and up again', async () => {
    await done('downgrade', '--service', 'api-auth', 'base', '--yes');
    expect(await tables('authdb')).toEqual([]);
    expect(await sample.health('api-auth')).toMatchObject({ status: 503, body: { reason: 'no revision is applied' } });
    await done('upgrade', '--service', 'api-auth', 'head');
    expect(await tables('authdb')).toEqual(['roles', 'sessions', 'users']);
    expect((await sample.health('api-auth')).status).toBe(200);
  });

  test('one database is dropped and made anew, with its service stopped meanwhile; the others are left alone', async () => {
    await sql('authdb', "INSERT INTO roles VALUES ('guest', 'only here')");
    const [before] = await sql('apidb', 'SELECT max(sequence) FROM orch.log');
    await done('reset', 'authdb', '--yes');
    expect(await sql('authdb', "SELECT FROM roles WHERE name = 'guest'")).toEqual([]);
    expect(await sql('authdb', 'SELECT name FROM orch.heads')).toEqual([{ name: '004_add_new_column' }]);
    expect((await sample.health('api-auth')).status).toBe(200);
    expect((await sql('apidb', 'SELECT max(sequence) FROM orch.log'))[0]).toEqual(before);
  });
});

describe('further on', () => {
  test('CI: a dry run before the deployment, and a check that fails where something is not as it should be', async () => {
    expect((await ends(3, 'check')).stdout).toMatch(/api-admin \(admindb\): 1 finding\n.*004_insert_seed_data/);
    expect(await done('plan')).toContain('apply 004_insert_seed_data');
    expect(await done('sql', '--service', 'api-admin', '003:')).toContain("VALUES ('value1', '\"value2\"')");
    expect(await sql('admindb', 'SELECT FROM system_settings')).toEqual([]);
    await done('up');
    expect(await done('check')).toContain('No findings: 3 services checked.');
  });

  test('how long each revision took is on record', async () => {
    expect(await done('history', '--service', 'api-admin', '--verbose')).toMatch(
      /state: +applied \S+, in \d+ ms, by admin_owner/,
    );
    await done('down');
    expect((await holder.ended).code).toBe(0);
  });
});
