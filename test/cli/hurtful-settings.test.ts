import { describe, expect, it } from 'vitest';
import { makeProject } from '../support/project-folder.ts';
import { expectFault, run } from './support.ts';

const timeouts = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'transaction_timeout',
];

describe('settings of a role or database that would hurt', () => {
  it.each(['ROLE', 'DATABASE'])('timeouts set with ALTER %s end no session', async (what) => {
    const project = await makeProject({ api: { revisions: { '001_a.up.sql': 'CREATE TABLE a ()' } } });
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    const name = what === 'ROLE' ? project.owner('api') : project.database('api');
    for (const one of timeouts) await project.sql(undefined, `ALTER ${what} ${name} SET ${one} = '200ms'`);
    await project.write('api/revisions/002_b.up.sql', 'CREATE TABLE b (); SELECT pg_sleep(1);');
    // Idle in its transaction while it waits, as the lock's session is all the time.
    await project.write(
      'api/revisions/003_c.ts',
      `export async function up(database) {
  await database.query('CREATE TABLE c ()');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await database.query('CREATE TABLE d ()');
}`,
    );
    await project.write('api/revisions/004_d.up.sql', '-- orch: transaction none\nSELECT pg_sleep(1);');
    const ended = await run(project, ['migrate']);
    expect(ended, ended.output).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT name FROM orch.heads')).toEqual([{ name: '004_d' }]);
  });

  it('default_transaction_read_only is told before anything is done', async () => {
    const project = await makeProject({ api: { revisions: { '001_a.up.sql': 'CREATE TABLE a ()' } } });
    expect(await run(project, ['migrate', 'base'])).toMatchObject({ code: 0 });
    await project.sql(undefined, `ALTER ROLE ${project.owner('api')} SET default_transaction_read_only = on`);
    expectFault(await run(project, ['migrate']), {
      code: 8,
      happened: /api: the server of \S+ at \S+ takes no changes: its transactions are read-only/,
      now: project.database('api'),
      next: ['FROM pg_db_role_setting;', 'orch migrate --service api'],
    });
    expect(await run(project, ['status'])).toMatchObject({ code: 3 });
    expect(await project.sql('api', "SELECT FROM pg_class WHERE relname = 'a'")).toEqual([]);
  });

  it('session_replication_role, with which no trigger and no foreign key is heeded, is refused', async () => {
    const project = await makeProject({ api: { revisions: { '001_a.up.sql': 'CREATE TABLE a ()' } } });
    expect(await run(project, ['migrate', 'base'])).toMatchObject({ code: 0 });
    await project.sql(undefined, `ALTER DATABASE ${project.database('api')} SET session_replication_role = replica`);
    expectFault(await run(project, ['migrate']), {
      code: 2,
      happened: [`api: session_replication_role is replica in ${project.database('api')}`, 'wanted: origin'],
      now: `nothing was applied to ${project.database('api')}.`,
      next: `ALTER DATABASE ${project.database('api')} RESET session_replication_role;`,
    });
    expect(await project.sql('api', "SELECT FROM pg_class WHERE relname = 'a'")).toEqual([]);
  });

  it('what changes only how values are written is the business of revisions, and not in the way of orch', async () => {
    const settings = {
      DateStyle: 'SQL, DMY',
      IntervalStyle: 'sql_standard',
      TimeZone: 'Asia/Kathmandu',
      bytea_output: 'escape',
      client_encoding: 'LATIN1',
      quote_all_identifiers: 'on',
      row_security: 'off',
      array_nulls: 'off',
      extra_float_digits: '-15',
      default_transaction_deferrable: 'on',
      lc_numeric: 'C',
      xmloption: 'document',
    };
    const revisions = {
      '001_a.up.sql': "CREATE TABLE a (i int); COMMENT ON TABLE a IS 'für ∀';",
      '001_a.down.sql': 'DROP TABLE a;',
      '002_b.up.sql': 'CREATE INDEX CONCURRENTLY a_i ON a (i);',
      '002_b.down.sql': 'DROP INDEX CONCURRENTLY a_i;',
    };
    const project = await makeProject({ api: { revisions } });
    expect(await run(project, ['migrate', 'base'])).toMatchObject({ code: 0 });
    for (const [name, value] of Object.entries(settings)) {
      await project.sql(undefined, `ALTER ROLE ${project.owner('api')} SET ${name} = '${value}'`);
      await project.sql(undefined, `ALTER DATABASE ${project.database('api')} SET ${name} = '${value}'`);
    }
    for (const args of [['migrate'], ['check'], ['history'], ['locks'], ['stamp', '1'], ['stamp', '2']]) {
      const ended = await run(project, args);
      expect(ended, ended.output).toMatchObject({ code: 0 });
    }
    const [row] = await project.sql(
      'api',
      `SELECT obj_description('a'::regclass) AS said,
      (SELECT abs(extract(epoch FROM now() - applied_at)) < 600 FROM orch.ledger WHERE name = '001_a') AS dated`,
    );
    expect(row).toEqual({ said: 'für ∀', dated: true });
    expect(await run(project, ['downgrade', 'base', '--yes'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', "SELECT FROM pg_class WHERE relname = 'a'")).toEqual([]);
  });

  it('a role set for the owner does not own what revisions make', async () => {
    const project = await makeProject({ api: { revisions: { '001_a.up.sql': 'SELECT 1' } } });
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    await project.sql(undefined, `GRANT pg_monitor TO ${project.owner('api')}`);
    await project.sql(undefined, `ALTER ROLE ${project.owner('api')} SET role = 'pg_monitor'`);
    await project.write('api/revisions/002_b.up.sql', 'CREATE TABLE b ()');
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', "SELECT tableowner FROM pg_tables WHERE tablename = 'b'")).toEqual([
      { tableowner: project.owner('api') },
    ]);
  });
});
