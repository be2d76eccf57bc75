import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../support/local-service.ts';
import { applied, columns, type GuideProject, names, openGuide, tables } from './guide-project.ts';

/**
 * "Alembic Migration System - User Guide" of MemStack: each of its blocks about the database, in its order, as orch
 * does it. Every test goes on where the one before it ended.
 */
let guide: GuideProject;

const initial = '20241231_1700-001_initial_schema_with_sse';
const user = `INSERT INTO users (id, first_name, last_name) VALUES ('u1', 'Ada', 'Lovelace')`;
const memory = `INSERT INTO memories (id, user_id, content) VALUES ('m1', 'u1', 'a thought')`;

beforeAll(async () => {
  guide = await openGuide('memstack', 'memstack');
});

afterAll(() => guide?.end());

describe('quick start', () => {
  test('1. starting the application brings the database to the newest version, and says which that is', async () => {
    await guide.arrive('20241231');
    const application = guide.start('up');
    await application.said('1 service ready');
    expect(application.output()).toMatch(/memstack {2}001_initial_schema_with_sse {2}applied/);
    expect(await guide.health()).toBe(200);
    expect(await applied(guide)).toEqual(['001_initial_schema_with_sse']);
    expect(await tables(guide)).toEqual(['memories', 'task_logs', 'users']);
    expect(await names(guide, 'memories')).toEqual(['fk_memories_user_id_users', 'ix_memories_task_id', 'pk_memories']);
    application.child.kill('SIGTERM');
    await application.ended;
  });

  test('1. … "Database is already at latest version" is one line', async () => {
    const application = guide.start('up');
    await application.said('1 service ready');
    expect(application.output()).not.toContain('applied');
    application.child.kill('SIGTERM');
    await application.ended;
    expect(await guide.done('status')).toMatch(/memstack +memstack +001_initial_schema_with_sse +none/);
  });

  test('3. running the migrations by hand', async () => {
    expect(await guide.done('migrate')).toMatch(/^Nothing to do: 1 database at head/);
    await guide.sql(user);
    await guide.sql(memory);
  });
});

describe('workflow', () => {
  test('adding a column: step 2, the new file gets date, time and number as the folder has them', async () => {
    const written = await guide.done('revision', '-m', 'Add new_field to memories table');
    const [up = '', down = ''] = written.trim().split('\n');
    expect(up).toMatch(/^revisions\/\d{8}_\d{4}-002_add_new_field_to_memories_table\.up\.sql$/);
    expect(down).toBe(up.replace('.up.', '.down.'));
    const text = await readFile(join(guide.folder, up), 'utf8');
    expect(text).toContain('-- orch: message Add new_field to memories table\n');
    expect(text).toMatch(/-- orch: created \d{4}-/);
    expect(text).toContain('ALTER TABLE memories ADD COLUMN new_field text;');
    await guide.remove(up);
    await guide.remove(down);
    await guide.arrive('20250101');
    expect(await guide.done('show', '002')).toMatch(/message: +Add new_field to memories table/);
    expect(await guide.done('show', '002')).toMatch(/parents: +001_initial_schema_with_sse/);
  });

  test('adding a column: step 3, restarting the application applies it', async () => {
    const application = guide.start('up');
    await application.said('1 service ready');
    application.child.kill('SIGTERM');
    await application.ended;
    expect(await applied(guide)).toEqual(['001_initial_schema_with_sse', '002_add_new_field']);
    expect(await columns(guide, 'memories')).toContain('memories.new_field');
  });

  test('a new table', async () => {
    await guide.arrive('20250102');
    await guide.done('migrate');
    expect(await columns(guide, 'new_tables')).toEqual(['new_tables.created_at', 'new_tables.id', 'new_tables.name']);
    expect(await names(guide, 'new_tables')).toEqual(['new_tables_pkey']);
  });

  test('migrating data: the column is added and filled in one transaction', async () => {
    await guide.arrive('20250103');
    await guide.done('migrate');
    expect(await guide.sql('SELECT full_name FROM users')).toEqual([{ full_name: 'Ada Lovelace' }]);
  });
});

describe('versions', () => {
  test('the chain of revisions', async () => {
    const lines = (await guide.done('history')).trim().split('\n').slice(1);
    expect(lines.map((line) => line.split(/ {2,}/).slice(1, 3))).toEqual([
      ['004_add_full_name', '003_create_new_table'],
      ['003_create_new_table', '002_add_new_field'],
      ['002_add_new_field', '001_initial_schema_with_sse'],
      ['001_initial_schema_with_sse', 'base'],
    ]);
    expect(await guide.done('history', '--verbose')).toMatch(
      /message: Create new_tables table\.\n {2}date: +2025-01-02T14:00/,
    );
  });

  test('the current version, from orch and by SQL', async () => {
    expect(await guide.done('current')).toMatch(/memstack +memstack +004_add_full_name +4 /);
    expect(await guide.sql('SELECT name, id FROM orch.heads')).toEqual([{ name: '004_add_full_name', id: '004' }]);
  });

  test('the application can ask for it with its own role, and can read nothing else of the ledger', async () => {
    const { host, port } = guide.postgres;
    const client = new pg.Client({ host, port, user: 'memstack_app', password: 'memstack app', database: 'memstack' });
    await client.connect();
    try {
      expect((await client.query('SELECT id FROM orch.heads')).rows).toEqual([{ id: '004' }]);
      await expect(client.query('SELECT FROM orch.ledger')).rejects.toThrow('permission denied');
    } finally {
      await client.end();
    }
  });
});

describe('rollback', () => {
  test('without --yes nobody can approve it here, and nothing is done', async () => {
    const said = await guide.refused(2, 'downgrade', '-1');
    expect(said).toMatch(/004_add_full_name +it is above 003_create_new_table +column users\.full_name \(1 row\)/);
    expect(said).toContain('the downgrade to -1 was not approved');
    expect(said).toContain('orch downgrade -1 --yes');
    expect(await columns(guide, 'users')).toContain('users.full_name');
  });

  test('one version', async () => {
    expect(await guide.done('downgrade', '-1', '--yes')).toMatch(/003_create_new_table +1 revision reverted/);
    expect(await columns(guide, 'users')).not.toContain('users.full_name');
  });

  test('to a certain version', async () => {
    expect(await guide.done('downgrade', '001', '--yes')).toMatch(/001_initial_schema_with_sse +2 revisions reverted/);
    expect(await applied(guide)).toEqual(['001_initial_schema_with_sse']);
    expect(await tables(guide)).toEqual(['memories', 'task_logs', 'users']);
    expect(await columns(guide, 'memories')).not.toContain('memories.new_field');
    await guide.done('migrate');
    expect(await applied(guide)).toHaveLength(4);
  });
});

describe('good habits', () => {
  test('do 1: a revision may ask whether its column is there', async () => {
    await guide.arrive('20250104');
    await guide.done('migrate');
    expect(await applied(guide)).toContain('005_add_new_field_if_missing');
    await guide.done('downgrade', '-1', '--yes');
    await guide.done('migrate');
    expect(await columns(guide, 'memories')).toContain('memories.new_field');
  });

  test("do 2: where the second column fails, the first is rolled back with it, and the file's line is named", async () => {
    const up =
      'ALTER TABLE memories ADD COLUMN field1 VARCHAR;\nALTER TABLE memories ADD COLUMN field2 NO_SUCH_TYPE;\n';
    await guide.write('revisions/20250105_0900-006_two_fields.up.sql', up);
    const said = await guide.refused(5, 'migrate');
    expect(said).toContain('revisions/20250105_0900-006_two_fields.up.sql:2:');
    expect(said).toContain('type "no_such_type" does not exist');
    expect(await columns(guide, 'memories')).not.toContain('memories.field1');
    expect(await applied(guide)).toHaveLength(5);
    await guide.remove('revisions/20250105_0900-006_two_fields.up.sql');
  });

  test('do 3: up, down and up again leave the same tables', async () => {
    const before = await columns(guide);
    await guide.done('downgrade', 'base', '--yes');
    expect(await tables(guide)).toEqual([]);
    await guide.done('migrate');
    expect(await columns(guide)).toEqual(before);
    await guide.sql(user);
    await guide.sql(memory);
  });

  test('do 4 and don’t 1: a released revision that was changed is told, with what to do', async () => {
    const file = `revisions/${initial}.up.sql`;
    const text = await readFile(join(guide.folder, file), 'utf8');
    await guide.write(file, text.replace('progress INTEGER', 'progress BIGINT'));
    const said = await guide.refused(3, 'check');
    expect(said).toContain('001_initial_schema_with_sse');
    expect(said).toContain('orch show --service memstack 001_initial_schema_with_sse --recorded');
    expect(await guide.refused(7, 'migrate')).toContain('disagree');
    await guide.write(file, await guide.done('show', '001', '--recorded', '--up'));
    expect(await guide.done('check')).toContain('No findings');
  });

  test('do 5: the description is where it is looked for', async () => {
    const shown = await guide.done('show', '001');
    expect(shown).toMatch(/message: +Add task tracking for episode processing/);
    expect(shown).toContain('-- Related to: #123');
  });

  test('don’t 3: a long change runs in batches, and each of them is kept', async () => {
    await guide.sql(
      `INSERT INTO memories (id, user_id, content) SELECT 'n' || n, 'u1', 'thought ' || n FROM generate_series(1, 250) AS n`,
    );
    await guide.arrive('20250105_0900-006_process');
    await guide.done('migrate');
    expect(
      await guide.sql('SELECT count(*)::int AS left FROM memories WHERE new_field IS DISTINCT FROM upper(content)'),
    ).toEqual([{ left: 0 }]);
  });

  test('don’t 4: a number that was skipped is a finding', async () => {
    await guide.write('revisions/20250107_0900-008_later.up.sql', 'SELECT 1;\n');
    expect(await guide.refused(3, 'check')).toMatch(
      /number 007 is missing between 006_process_large_table and 008_later/,
    );
    await guide.remove('revisions/20250107_0900-008_later.up.sql');
  });
});

describe('trouble', () => {
  test('1: the version in the database is set by hand', async () => {
    expect(await guide.done('current')).toContain('006_process_large_table');
    await guide.done('stamp', '001', '--reason', 'repaired by hand');
    expect(await applied(guide)).toEqual(['001_initial_schema_with_sse']);
    expect(await columns(guide, 'memories')).toContain('memories.new_field');
    expect(await guide.done('current')).toMatch(/001_initial_schema_with_sse +1 /);
    await guide.done('stamp', 'head', '--reason', 'it is all there');
    expect(await guide.done('check')).toContain('No findings');
    const log = await guide.sql('SELECT message FROM orch.log ORDER BY sequence');
    expect(JSON.stringify(log)).toContain('repaired by hand');
  });

  test('2: a run that waits for another says for which, and gives up', async () => {
    await guide.write('revisions/20250108_0900-007_slow.up.sql', 'SELECT pg_sleep(600);\n');
    const holder = guide.start('migrate');
    const stuck = `FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%sleep(600)%' AND pid <> pg_backend_pid()`;
    await until('the revision runs', async () => (await guide.sql(`SELECT ${stuck}`)).length === 1);
    expect(await holder.said('007_slow')).toContain('memstack  007_slow  applying');
    const waiting = await guide.refused(4, 'migrate', '--lock-wait', '300ms');
    expect(waiting).toMatch(/it is held by pid \d+ \(orch lock /);
    await guide.sql(`SELECT pg_cancel_backend(pid) ${stuck}`);
    const ended = await holder.ended;
    expect(ended.code).toBe(5);
    expect(ended.output).toContain('canceling statement due to user request');
    expect(await applied(guide)).toHaveLength(6);
    await guide.remove('revisions/20250108_0900-007_slow.up.sql');
  });

  test('3: in development the database is built anew, from one command', async () => {
    expect(await guide.refused(2, 'reset', 'memstack')).toMatch(/memories +251/);
    await guide.done('reset', 'memstack', '--yes');
    expect(await guide.sql('SELECT FROM memories')).toEqual([]);
    expect(await applied(guide)).toHaveLength(6);
    expect(await guide.done('check')).toContain('No findings');
  });
});
