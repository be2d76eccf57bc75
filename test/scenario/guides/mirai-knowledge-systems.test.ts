import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findPgDump, type PgDump, restore } from '../../support/pg-dump.ts';
import { applied, columns, type GuideProject, names, openGuide, tables } from './guide-project.ts';

/**
 * The Alembic guide of Mirai-Knowledge-Systems: each of its blocks about the database, in its order, as orch does it.
 * Every test goes on where the one before it ended.
 */
let guide: GuideProject;
let url: string;
let dump: PgDump | undefined;
let backup = '';

const database = 'mirai_knowledge_db';

beforeAll(async () => {
  guide = await openGuide('mirai-knowledge-systems', database);
  const { host, port, adminRole, adminPassword } = guide.postgres;
  url = `postgresql://${adminRole}:${encodeURIComponent(adminPassword)}@${host}:${port}/${database}`;
  dump = await findPgDump(guide.postgres);
});

afterAll(() => guide?.end());

/** The files that `orch revision` printed; they are removed again: the guide's own take their place. */
async function takeBack(written: string): Promise<readonly string[]> {
  const files = written.trim().split('\n');
  for (const file of files) await guide.remove(file);
  return files;
}

describe('how to use it', () => {
  test('1. the database is made by hand, as in the guide; without it orch says what is missing, and touches nothing', async () => {
    guide.environment.DATABASE_URL = url;
    await guide.arrive('001_initial');
    expect(await guide.refused(2, 'migrate')).toContain(`${database} has to be made, and no admin role is configured`);
    await guide.sql(`CREATE DATABASE ${database}`, 'postgres');
    expect(await guide.done('wait')).toBe('');
  });

  test('2. DATABASE_URL is asked for by name where it is not set, and its password is never shown', async () => {
    guide.environment.DATABASE_URL = undefined;
    const said = await guide.refused(2, 'migrate');
    expect(said).toContain('service.yaml:2:6  the variable DATABASE_URL is not set');
    guide.environment.DATABASE_URL = url;
    expect((await guide.run('plan', '--verbose')).output).not.toContain('admin secret');
  });

  test('3. a new revision, written by hand: file names take the words of the message in any script', async () => {
    const files = await takeBack(await guide.done('revision', '-m', '変更内容の説明'));
    expect(files).toHaveLength(2);
    expect(files[0]).toMatch(/^revisions\/002_.+\.up\.sql$/);
    const [up = '', down = ''] = (await guide.done('revision', '-m', 'Add email field to User model'))
      .trim()
      .split('\n');
    expect(await readFile(join(guide.folder, up), 'utf8')).toContain(
      '-- orch: message Add email field to User model\n',
    );
    expect(await readFile(join(guide.folder, down), 'utf8')).toContain('Takes back 002_add_email_field_to_user_model');
    await takeBack(`${up}\n${down}`);
    expect(await guide.revisions()).toHaveLength(2);
  });

  test('4. upgrade to the newest, and to a certain one', async () => {
    await guide.done('upgrade', 'head');
    expect(await tables(guide)).toEqual(['knowledge', 'users']);
    await guide.arrive('002', '003');
    await guide.done('upgrade', '002');
    expect(await tables(guide)).toEqual(['knowledge', 'new_table', 'users']);
    await guide.done('upgrade', '003_add_email_to_user_model');
    expect(await columns(guide, 'users')).toContain('users.email');
  });

  test('5. downgrade by one, to a certain one, and to nothing', async () => {
    await guide.done('downgrade', '-1', '--yes');
    expect(await applied(guide)).toEqual(['001_initial_database_schema', '002_add_new_table']);
    await guide.done('downgrade', '001', '--yes');
    expect(await tables(guide)).toEqual(['knowledge', 'users']);
    await guide.done('downgrade', 'base', '--yes');
    expect(await tables(guide)).toEqual([]);
    expect(await applied(guide)).toEqual([]);
  });

  test('6. the current version and the history', async () => {
    expect(await guide.done('current')).toMatch(/backend +mirai_knowledge_db +none +0/);
    await guide.done('upgrade', '001');
    expect(await guide.done('current')).toMatch(/backend +mirai_knowledge_db +001_initial_database_schema +1 /);
    const history = await guide.done('history', '--verbose');
    expect(history).toMatch(/backend 003_add_email_to_user_model \(head\)\n {2}message: Add email to User model\n/);
    expect(history).toMatch(/file: +revisions\/002_add_new_table\.up\.sql\n {2}state: +pending/);
    expect(history).toMatch(/backend 001_initial_database_schema\n[\s\S]*state: +applied \d{4}-.* by postgres/);
  });
});

describe('usual work', () => {
  test('a new table: the file is looked at, then applied', async () => {
    expect(await guide.done('show', '002')).toContain('CREATE TABLE public.new_table (');
    expect(await guide.done('plan', '002')).toContain('apply 002_add_new_table');
    await guide.done('upgrade', '002');
    expect(await columns(guide, 'new_table')).toEqual(['new_table.created_at', 'new_table.id', 'new_table.name']);
    expect(await names(guide, 'new_table')).toEqual(['pk_new_table']);
  });

  test('a new column', async () => {
    await guide.done('upgrade', 'head');
    expect(await names(guide, 'users')).toEqual(['pk_users', 'uq_users_email']);
  });
});

describe('trouble', () => {
  test('"connection refused": orch says what it waits for, and stops when told to', async () => {
    guide.environment.DATABASE_URL = url.replace(`:${guide.postgres.port}/`, ':1/');
    const waiting = guide.start('wait');
    await waiting.said('no TCP connection');
    waiting.child.kill('SIGTERM');
    const ended = await waiting.ended;
    expect(ended.code).toBe(143);
    expect(ended.output).toContain('ECONNREFUSED');
    guide.environment.DATABASE_URL = url;
    expect((await guide.run('wait')).stderr).toContain('ready');
  });

  test('"not up to date": the database is behind its files, and `upgrade` is the way out', async () => {
    await guide.done('downgrade', '-1', '--yes');
    expect(await guide.refused(3, 'status')).toMatch(/002_add_new_table +1: 003_add_email_to_user_model/);
    const said = await guide.refused(3, 'check');
    expect(said).toContain('1 revision pending (003_add_email_to_user_model)');
    expect(said).toContain('next: orch migrate --service backend');
    await guide.done('upgrade', 'head');
    await guide.done('check');
  });

  test('"can\'t locate revision": a file that is gone is put back from the ledger, and nothing is lost', async () => {
    const up = await readFile(join(guide.folder, 'revisions/003_add_email_to_user_model.up.sql'), 'utf8');
    await guide.sql("INSERT INTO users (username, email) VALUES ('aki', 'aki@example.org')");
    await guide.remove('revisions/003_add_email_to_user_model.up.sql');
    await guide.remove('revisions/003_add_email_to_user_model.down.sql');
    const said = await guide.refused(7, 'migrate');
    expect(said).toMatch(/003_add_email_to_user_model is applied \(since .*\), but its file is gone/);
    expect(said).toContain('orch show --service backend 003_add_email_to_user_model --recorded');
    expect(said).not.toContain('reset');
    for (const direction of ['up', 'down']) {
      const recorded = await guide.done('show', '003', '--recorded', `--${direction}`);
      await guide.write(`revisions/003_add_email_to_user_model.${direction}.sql`, recorded);
    }
    expect(await readFile(join(guide.folder, 'revisions/003_add_email_to_user_model.up.sql'), 'utf8')).toBe(up);
    await guide.done('check');
    expect(await guide.sql('SELECT email FROM users')).toEqual([{ email: 'aki@example.org' }]);
  });

  test('… or the database is brought to nothing and back, file or no file', async () => {
    await guide.remove('revisions/003_add_email_to_user_model.up.sql');
    await guide.remove('revisions/003_add_email_to_user_model.down.sql');
    expect(await guide.done('downgrade', 'base', '--yes')).toContain('3 revisions reverted');
    expect(await tables(guide)).toEqual([]);
    await guide.arrive('003');
    await guide.done('upgrade', 'head');
    expect(await applied(guide)).toHaveLength(3);
  });

  test('revisions of two branches are refused until they are merged', async () => {
    await guide.arrive('004');
    const said = await guide.refused(7, 'upgrade', 'head');
    expect(said).toMatch(/004_ratings {2}revisions\/004_ratings\.up\.sql {2}\(Ren\)/);
    expect(said).toMatch(/004_tags {2}revisions\/004_tags\.up\.sql {2}\(Aki\)/);
    expect(said).toContain('orch merge --service backend');
    expect(await applied(guide)).toHaveLength(3);
    expect(await guide.done('merge', 'heads', '-m', 'Merge migrations')).toBe(
      'revisions/005_merge_migrations.up.sql\nrevisions/005_merge_migrations.down.sql\n',
    );
    await guide.done('upgrade', 'head');
    expect(await tables(guide)).toContain('tags');
    expect(await columns(guide, 'knowledge')).toContain('knowledge.rating');
    expect(await guide.sql('SELECT name FROM orch.heads')).toEqual([{ name: '005_merge_migrations' }]);
    expect(await guide.done('branches')).toMatch(/003_add_email_to_user_model +004_ratings +005_merge_migrations/);
  });
});

describe('production', () => {
  test('the application runs before all this', async () => {
    await guide.sql("INSERT INTO tags (name) VALUES ('before the backup')");
    const application = guide.start('up');
    await application.said('1 service ready');
    expect(await guide.health()).toBe(200);
  });

  test('1. a backup by hand', async (context) => {
    context.skip(dump === undefined, 'no pg_dump of version 17 on the PATH, and the server is in no container');
    backup = (await dump?.(database)) ?? '';
    expect(backup).toContain('CREATE TABLE orch.ledger');
  });

  test('2. the application is stopped', async () => {
    await guide.done('down');
    expect(await guide.health()).toBe(0);
  });

  test('3. what will be done is shown, and done', async () => {
    await guide.write('revisions/006_drop_tags.up.sql', 'DROP TABLE public.tags;\n');
    await guide.write('revisions/006_drop_tags.down.sql', 'CREATE TABLE public.tags (name VARCHAR(50) PRIMARY KEY);\n');
    expect(await guide.done('plan')).toContain('apply 006_drop_tags');
    await guide.done('upgrade', 'head');
    expect(await tables(guide)).not.toContain('tags');
  });

  test('4. and 5. the application is started, which ends only when it answers', async () => {
    const application = guide.start('up');
    await application.said('1 service ready');
    expect(await guide.health()).toBe(200);
    expect(await guide.done('status')).toMatch(/006_drop_tags +none +running/);
    await guide.done('down');
    expect((await application.ended).code).toBe(0);
  });

  test('… a backup that is put back brings its ledger along', async (context) => {
    context.skip(dump === undefined, 'no pg_dump of version 17 on the PATH, and the server is in no container');
    await guide.sql(`DROP DATABASE ${database}`, 'postgres');
    await guide.sql(`CREATE DATABASE ${database}`, 'postgres');
    await restore(guide.postgres, database, backup);
    expect(await guide.done('current')).toContain('005_merge_migrations');
    expect(await guide.sql('SELECT name FROM tags')).toEqual([{ name: 'before the backup' }]);
    await guide.done('upgrade', 'head');
    expect(await tables(guide)).not.toContain('tags');
  });
});
