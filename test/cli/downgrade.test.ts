import { describe, expect, test } from 'vitest';
import { type Ended, orch } from '../support/orch.ts';
import { makeProject, type ProjectFolder, type ServiceSketch } from '../support/project-folder.ts';

const files = {
  '001_users.up.sql': 'CREATE TABLE users (id int PRIMARY KEY);\nINSERT INTO users SELECT generate_series(1, 3);\n',
  '001_users.down.sql': 'DROP TABLE users;\n',
  '002_email.up.sql': 'ALTER TABLE users ADD COLUMN email text;\n',
  '002_email.down.sql': 'ALTER TABLE users DROP COLUMN email;\n',
};

interface Shop extends ProjectFolder {
  run(...args: readonly string[]): Promise<Ended>;
  heads(service?: string): Promise<readonly string[]>;
  tables(service?: string): Promise<readonly string[]>;
}

async function makeShop(
  revisions: Readonly<Record<string, string>>,
  more: Readonly<Record<string, ServiceSketch>> = {},
): Promise<Shop> {
  const project = await makeProject({ auth: { revisions }, ...more });
  const names = async (service: string, sql: string): Promise<readonly string[]> =>
    (await project.sql<{ name: string }>(service, sql)).map(({ name }) => name);
  return {
    ...project,
    run: (...args) => orch(args, { cwd: project.folder }),
    heads: (service = 'auth') => names(service, 'SELECT name FROM orch.heads ORDER BY name'),
    tables: (service = 'auth') =>
      names(
        service,
        `SELECT table_name || '.' || string_agg(column_name, ',' ORDER BY ordinal_position) AS name
        FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name ORDER BY 1`,
      ),
  };
}

async function migrated(
  revisions: Readonly<Record<string, string>> = files,
  more: Readonly<Record<string, ServiceSketch>> = {},
): Promise<Shop> {
  const shop = await makeShop(revisions, more);
  const { code, output } = await shop.run('migrate');
  expect(output).not.toContain('failed');
  expect(code).toBe(0);
  return shop;
}

describe('orch downgrade', () => {
  test('runs the downs, children first, and takes the rows out of the ledger; the log keeps them', async () => {
    const shop = await migrated();
    const { code, output } = await shop.run('downgrade', '-1', '--yes');
    expect(output).toContain('002_email');
    expect(code).toBe(0);
    expect(await shop.heads()).toEqual(['001_users']);
    expect(await shop.tables()).toEqual(['users.id']);
    expect((await shop.run('downgrade', 'base', '--yes')).code).toBe(0);
    expect(await shop.heads()).toEqual([]);
    expect(await shop.tables()).toEqual([]);
    const log = await shop.sql(
      'auth',
      "SELECT action, outcome, revision FROM orch.log WHERE action = 'revert' ORDER BY sequence",
    );
    expect(log).toEqual([
      { action: 'revert', outcome: 'succeeded', revision: '002_email' },
      { action: 'revert', outcome: 'succeeded', revision: '001_users' },
    ]);
    expect((await shop.run('upgrade')).code).toBe(0);
    expect(await shop.tables()).toEqual(['users.id,email']);
  });

  test('needs a target', async () => {
    const shop = await makeShop(files);
    expect(await shop.run('downgrade')).toMatchObject({ code: 2 });
  });

  test('without --yes and without a terminal shows what data goes and runs nothing', async () => {
    const shop = await migrated();
    const { code, stderr } = await shop.run('downgrade', 'base');
    expect(code).toBe(2);
    expect(stderr).toContain('2 revisions of 1 database to be reverted, in this order:');
    expect(stderr).toMatch(/002_email .* column users\.email \(3 rows\)/);
    expect(stderr).toMatch(/001_users .* table users \(3 rows\)/);
    expect(stderr).toContain('orch downgrade base --yes');
    // The command to type next is for the same services: without their names it would be for all.
    const one = await shop.run('downgrade', '-1', '--service', 'auth');
    expect(one.stderr).toContain('the downgrade to -1 was not approved');
    expect(one.stderr).toContain('orch downgrade --service auth -1 --yes');
    expect(await shop.heads()).toEqual(['002_email']);
  });

  test('with nothing to revert asks nothing', async () => {
    const shop = await migrated();
    const { code, output } = await shop.run('downgrade', 'head');
    expect(output).toContain('Nothing to do: 1 database at the target');
    expect(output).not.toContain('Type yes');
    expect(code).toBe(0);
  });

  test('gives its plan and its end as JSON', async () => {
    const shop = await migrated();
    const { stdout, code } = await shop.run('downgrade', '001', '--yes', '--output', 'json');
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly type: string });
    const plan = lines.find((line) => line.type === 'plan') as { type: string; steps?: readonly object[] } | undefined;
    expect(plan?.steps?.[1]).toMatchObject({
      kind: 'revert-revision',
      revision: '002_email',
      origin: 'file',
      drops: [{ what: 'column', table: 'users', column: 'email', rows: 3, exact: true }],
    });
    expect(lines.at(-1)).toMatchObject({
      type: 'run-finished',
      services: [{ reverted: ['002_email'], heads: ['001_users'] }],
    });
  });

  test('refuses before anything runs where a down is missing or the revision is irreversible', async () => {
    const shop = await migrated({
      '001_a.up.sql': '-- orch: irreversible the old values are gone\nCREATE TABLE a ();',
      '002_b.up.sql': 'CREATE TABLE b ();',
      '003_c.up.sql': 'CREATE TABLE c ();',
      '003_c.down.sql': 'DROP TABLE c;',
    });
    const missing = await shop.run('downgrade', '001', '--yes');
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/has no down\n {2}002_b/);
    const marked = await shop.run('downgrade', 'base', '--yes');
    expect(marked.code).toBe(2);
    expect(marked.stderr).toContain('001_a: the old values are gone');
    expect(await shop.heads()).toEqual(['003_c']);
    expect(await shop.tables()).toEqual([]);
    expect(await shop.sql('auth', "SELECT FROM pg_tables WHERE tablename = 'c'")).toHaveLength(1);
  });

  test('a down that fails stops there: the database is as it was before that down', async () => {
    const shop = await migrated({ ...files, '001_users.down.sql': 'DROP TABLE users;\nSELECT 1 / 0;\n' });
    const { code, stderr } = await shop.run('downgrade', 'base', '--yes');
    expect(code).toBe(5);
    expect(stderr).toContain('001_users (down) failed: division by zero (22012)');
    expect(stderr).toContain('is in the state before this down; 001_users is still applied.');
    expect(await shop.heads()).toEqual(['001_users']);
    expect(await shop.tables()).toEqual(['users.id']);
    const failed = await shop.sql(
      'auth',
      "SELECT sqlstate FROM orch.log WHERE action = 'revert' AND outcome = 'failed'",
    );
    expect(failed).toEqual([{ sqlstate: '22012' }]);
  });

  test('runs the down text as it was recorded where the file has changed or is gone, and says so', async () => {
    const shop = await migrated();
    await shop.write('auth/revisions/002_email.down.sql', 'ALTER TABLE users DROP COLUMN other;\n');
    const changed = await shop.run('downgrade', '001', '--yes');
    expect(changed.output).toContain('its file has changed: the down text is the recorded one');
    expect(changed.code).toBe(0);
    expect(await shop.tables()).toEqual(['users.id']);
    await shop.remove('auth/revisions/001_users.up.sql');
    await shop.remove('auth/revisions/001_users.down.sql');
    const gone = await shop.run('downgrade', 'base', '--yes');
    expect(gone.output).toContain('its file is gone: the down text is the recorded one');
    expect(gone.code).toBe(0);
    expect(await shop.tables()).toEqual([]);
  });

  test('refuses where the recorded text is needed and was too long to be kept', async () => {
    const long = `-- ${'x'.repeat(1_000_001)}\nDROP TABLE a;`;
    const shop = await migrated({ '001_a.up.sql': 'CREATE TABLE a ();', '001_a.down.sql': long });
    await shop.write('auth/revisions/001_a.down.sql', 'SELECT 1;');
    const { code, stderr } = await shop.run('downgrade', 'base', '--yes');
    expect(code).toBe(7);
    expect(stderr).toContain('of texts over 1 MB the ledger keeps the checksum alone');
    await shop.write('auth/revisions/001_a.down.sql', long);
    expect((await shop.run('downgrade', 'base', '--yes')).code).toBe(0);
  });

  test('runs TypeScript downs, in the transaction, also from the ledger', async () => {
    const code = `export async function up(database) { await database.query('CREATE TABLE t (n int)'); }
export async function down(database) { await database.query('DROP TABLE t'); }
`;
    const shop = await migrated({ '001_t.ts': code });
    await shop.remove('auth/revisions/001_t.ts');
    const { code: exit, output } = await shop.run('downgrade', 'base', '--yes');
    expect(output).toContain('not known beforehand: its down is code');
    expect(exit, output).toBe(0);
    expect(await shop.sql('auth', "SELECT FROM pg_tables WHERE tablename = 't'")).toEqual([]);
    expect(await shop.heads()).toEqual([]);
  });

  test('a down outside a transaction that stops half way is gone on with', async () => {
    const shop = await migrated({
      '001_t.up.sql': 'CREATE TABLE t (n int); CREATE INDEX a ON t (n); CREATE INDEX b ON t (n);',
      '001_t.down.sql':
        '-- orch: transaction none\nDROP INDEX CONCURRENTLY a;\nDROP INDEX CONCURRENTLY c;\nDROP TABLE t;\n',
    });
    const stopped = await shop.run('downgrade', 'base', '--yes');
    expect(stopped.code).toBe(6);
    expect(stopped.stderr).toContain('has it as reverting.');
    expect((await shop.run('migrate')).code).toBe(6);
    await shop.sql('auth', 'ALTER INDEX b RENAME TO c');
    const resumed = await shop.run('downgrade', 'base', '--yes');
    expect(resumed.output).toContain('from statement 2 on');
    expect(resumed.code).toBe(0);
    expect(await shop.heads()).toEqual([]);
    expect(await shop.sql('auth', "SELECT FROM pg_tables WHERE tablename = 't'")).toEqual([]);
  });

  test('an up and a down, both empty, come and go', async () => {
    const shop = await migrated({ '001_a.up.sql': '', '001_a.down.sql': '' });
    expect(await shop.heads()).toEqual(['001_a']);
    expect((await shop.run('downgrade', 'base', '--yes')).code).toBe(0);
    expect(await shop.heads()).toEqual([]);
  });

  test('goes through all services, and refuses what a service outside still requires', async () => {
    const user = {
      revisions: {
        '001_links.up.sql': '-- orch: requires auth@001\nCREATE TABLE links ();',
        '001_links.down.sql': 'DROP TABLE links;',
      },
    };
    const shop = await migrated(files, { user });
    const refused = await shop.run('downgrade', 'base', '--service', 'auth', '--yes');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('user@001_links');
    expect(await shop.heads()).toEqual(['002_email']);
    const { code, stdout } = await shop.run('downgrade', 'base', '--yes', '--output', 'json');
    expect(code).toBe(0);
    const done = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; step?: { id: string } });
    const order = done.flatMap(({ type, step }) =>
      type === 'step-finished' && step?.id.includes('revert') === true ? [step.id] : [],
    );
    expect(order.indexOf('user/revert-revision/revision/001_links')).toBeLessThan(
      order.indexOf('auth/revert-revision/revision/001_users'),
    );
    expect([await shop.heads(), await shop.heads('user')]).toEqual([[], []]);
  });
});
