import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TRANSACTION_LOCK_KEY } from '../../src/adapters/postgres/transaction-lock.ts';
import { orch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { psql } from '../support/psql.ts';
import { expectFault, run, start, until } from './support.ts';

interface Other extends pg.Client {
  readonly pid: number;
}

/** A session in the service's database; ends with the test. */
async function connect(project: ProjectFolder, application: string, as: 'admin' | 'owner' = 'admin'): Promise<Other> {
  const { host, port, adminRole, adminPassword } = project.postgres;
  const [user, password] = as === 'admin' ? [adminRole, adminPassword] : [project.owner('api'), 'owner-canary-7f3a'];
  const database = project.database('api');
  const client = new pg.Client({ host, port, user, password, database, application_name: application });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return Object.assign(client, { pid: rows[0]?.pid ?? 0 });
}

/** As the backend of an orch that is gone holds it while it still works. */
async function holdSecondLock(project: ProjectFolder): Promise<Other> {
  const other = await connect(project, `orch worker ${crypto.randomUUID()}`);
  await other.query('BEGIN');
  await other.query('SELECT pg_advisory_xact_lock($1::bigint)', [TRANSACTION_LOCK_KEY]);
  return other;
}

/** All that orch could change in the database. */
async function contents(project: ProjectFolder): Promise<unknown> {
  const read = (sql: string): Promise<readonly unknown[]> => project.sql('api', sql);
  const hasLedger = (await read("SELECT WHERE to_regclass('orch.ledger') IS NOT NULL")).length > 0;
  return [
    await read("SELECT oid::int, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid"),
    hasLedger ? await read('SELECT * FROM orch.ledger ORDER BY sequence') : 'no ledger',
    hasLedger ? await read('SELECT sequence FROM orch.log ORDER BY sequence') : '',
  ];
}

const ab = {
  '001_a.up.sql': 'CREATE TABLE a ();',
  '001_a.down.sql': 'DROP TABLE a;',
  '003_b.up.sql': 'CREATE TABLE b ();',
  '003_b.down.sql': '-- orch: transaction none\nDROP TABLE b;',
};
const outside = { '004_c.up.sql': '-- orch: transaction none\nCREATE TABLE c ();' };
const code = { '004_c.ts': "// orch: transaction none\nexport const up = ({ query }) => query('CREATE TABLE c ()');" };

interface Command {
  readonly args: readonly string[];
  /** What the project has besides `ab`, once that is applied. */
  readonly files?: Readonly<Record<string, string>>;
  /** Before the ledger is there. */
  readonly unledgered?: true;
  /** `--lock-wait`; absent: 0. */
  readonly wait?: string;
}

const commands: Readonly<Record<string, Command>> = {
  'migrate, of a revision': { args: ['migrate'], files: { '004_c.up.sql': 'CREATE TABLE c ();' } },
  'migrate, of a revision outside a transaction': { args: ['migrate'], files: outside },
  'migrate, of TypeScript outside a transaction': { args: ['migrate'], files: code },
  'migrate, of a ledger': { args: ['migrate'], unledgered: true },
  'downgrade in a transaction': { args: ['downgrade', 'base', '--yes'], files: { '003_b.down.sql': 'DROP TABLE b;' } },
  'downgrade outside a transaction': { args: ['downgrade', '-1', '--yes'] },
  stamp: { args: ['stamp', '1'] },
  'stamp --purge': { args: ['stamp', 'heads', '--purge'] },
  accept: {
    args: ['accept', '1', '--reason', 'a remark'],
    files: { '001_a.up.sql': '-- a remark\nCREATE TABLE a ();' },
  },
  // It makes a database of its own, which other tests of this server may have to be waited for.
  baseline: { args: ['baseline', '--yes'], unledgered: true, wait: '5s' },
};

describe('while a transaction of an orch that is gone is open', () => {
  it.each(Object.entries(commands))('orch %s names it, changes nothing and ends with 4', async (_, command) => {
    const { args, files = {}, unledgered, wait = '0' } = command;
    const project = await makeProject({ api: { revisions: ab } });
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    if (unledgered) await project.sql('api', 'DROP SCHEMA orch CASCADE');
    if (unledgered && args[0] === 'migrate') await project.sql('api', 'DROP TABLE a, b');
    for (const [file, text] of Object.entries(files)) await project.write(`api/revisions/${file}`, text);
    const other = await holdSecondLock(project);
    const before = await contents(project);
    const ended = await run(project, [...args, '--lock-wait', wait]);
    expectFault(ended, {
      code: 4,
      happened: [
        `api: another transaction of orch in ${project.database('api')} did not end within`,
        `it is open in pid ${other.pid} (orch worker`,
        'its orch is gone: the session with its lock has ended, this one still works',
      ],
      now: `nothing more was changed in ${project.database('api')}.`,
      next: [
        `orch locks --service api  # shows what it does, and who waits`,
        `orch locks --service api --terminate ${other.pid}  # ends that session, and the server rolls back what it had open`,
      ],
    });
    expect(await contents(project)).toEqual(before);

    // What it says to type ends it; then the command does its work.
    const [, end = ''] = /orch (locks --service api --terminate \d+)/.exec(ended.stderr) ?? [];
    expect(await run(project, [...end.split(' '), '--yes'])).toMatchObject({ code: 0 });
    const again = await run(project, [...args, '--lock-wait', '0']);
    expect(again, again.output).toMatchObject({ code: 0 });
    expect(await contents(project)).not.toEqual(before);
  });

  it('a revision that came in below others is not linked', async () => {
    const project = await makeProject({ api: { revisions: ab } });
    await run(project, ['migrate']);
    // The transaction of the revision itself is let through: it begins before the other one.
    await project.write(
      'api/revisions/002_x.ts',
      `// orch: transaction none
export async function up({ query }) { await query('SELECT FROM gate'); }`,
    );
    await project.sql('api', 'CREATE TABLE gate (); GRANT SELECT ON gate TO PUBLIC');
    const { running, free } = await runToGate(project, ['migrate', '--allow-out-of-order', '--lock-wait', '0']);
    const other = await holdSecondLock(project);
    await free();
    const ended = await running.ended;
    expect({ code: ended.code, stderr: ended.stderr }).toMatchObject({ code: 4 });
    expect(ended.stderr).toContain(`it is open in pid ${other.pid} (orch worker`);
    const parents = "SELECT parents FROM orch.ledger WHERE name = '003_b'";
    expect(await project.sql('api', parents)).toEqual([{ parents: ['001_a'] }]);
    await other.end();
    expect(await run(project, ['migrate', '--lock-wait', '0'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', parents)).toEqual([{ parents: ['002_x'] }]);
  });

  it('a batch of TypeScript is not begun, and the next run goes on with it', async () => {
    const text = `// orch: transaction none
export async function up({ batches, query, sql }) {
  await query('SELECT FROM gate');
  await batches({ table: 'item', key: 'id', size: 2 }, ({ keys }) => query(sql\`UPDATE item SET done = done + 1 WHERE id = ANY (\${keys})\`));
}`;
    const item =
      'CREATE TABLE item (id int PRIMARY KEY, done int NOT NULL DEFAULT 0); INSERT INTO item VALUES (1), (2), (3);';
    const project = await makeProject({
      api: { revisions: { '001_item.up.sql': `${item} CREATE TABLE gate ();`, '002_count.ts': text } },
    });
    expect(await run(project, ['migrate', '1'])).toMatchObject({ code: 0 });
    const { running, free } = await runToGate(project, ['migrate', '--lock-wait', '0']);
    const other = await holdSecondLock(project);
    await free();
    const ended = await running.ended;
    expect({ code: ended.code, stderr: ended.stderr }).toMatchObject({ code: 4 });
    expect(ended.stderr).toContain(`it is open in pid ${other.pid} (orch worker`);
    const counts = 'SELECT done, count(*)::int AS rows FROM item GROUP BY 1';
    expect(await project.sql('api', counts)).toEqual([{ done: 0, rows: 3 }]);
    await other.end();
    expect(await run(project, ['migrate', '--lock-wait', '0'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', counts)).toEqual([{ done: 1, rows: 3 }]);
  });

  it('a script of orch sql begins nothing outside a transaction', async () => {
    const project = await makeProject({ api: { revisions: ab } });
    await run(project, ['migrate']);
    await project.write('api/revisions/004_c.up.sql', outside['004_c.up.sql']);
    const scripts = [
      ['sql', '003:004'],
      ['sql', '003:001', '--downgrade'],
    ];
    for (const args of scripts) {
      const { stdout } = await orch(args, { cwd: project.folder });
      const other = await holdSecondLock(project);
      const before = await contents(project);
      const refused = await psql(project.postgres, project.database('api'), stdout);
      expect(refused).toEqual({ code: 3, output: expect.stringContaining('another transaction of orch is open') });
      expect(await contents(project)).toEqual(before);
      await other.end();
      if (args.includes('--downgrade'))
        expect(await psql(project.postgres, project.database('api'), stdout)).toMatchObject({ code: 0 });
    }
  });

  it('that ends by itself is waited for', async () => {
    const project = await makeProject({ api: { revisions: ab } });
    await run(project, ['migrate']);
    const other = await holdSecondLock(project);
    const stamping = start(project, ['stamp', '1', '--lock-wait', '10m']);
    await stamping.said('waiting for the lock');
    await other.query('COMMIT');
    expect(await stamping.ended).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT name FROM orch.heads')).toEqual([{ name: '001_a' }]);
  });
});

it('a transaction of an orch that is alive is said to be that', async () => {
  const project = await makeProject({ api: { revisions: ab } });
  await run(project, ['migrate']);
  const other = await holdSecondLock(project);
  const { rows } = await other.query<{ name: string }>("SELECT current_setting('application_name') AS name");
  await connect(project, rows[0]?.name.replace('worker', 'lock') ?? '', 'owner');
  expectFault(await run(project, ['stamp', '1', '--lock-wait', '0']), {
    code: 4,
    happened: [`it is open in pid ${other.pid} (orch worker`, /that orch is alive: it last spoke .* ago/],
    now: 'nothing more was changed',
    next: `--terminate ${other.pid}  # ends that session, only if its work must not go on`,
  });
});

/** Starts orch, and waits until its revision waits for `gate`. */
async function runToGate(project: ProjectFolder, args: readonly string[]) {
  const gate = await connect(project, 'a gate');
  await gate.query('BEGIN; LOCK TABLE gate');
  const running = start(project, args);
  await until(async () => {
    const waits = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return (await project.sql('api', waits)).length > 0;
  });
  return { running, free: () => gate.query('COMMIT') };
}
