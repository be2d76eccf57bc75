import { describe, expect, it } from 'vitest';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, jsonLines, run } from './support.ts';

const first = { '001_t.up.sql': 'CREATE TABLE t (i int); INSERT INTO t VALUES (1), (1);' };
const indexes =
  '-- two indexes\nCREATE INDEX CONCURRENTLY t_i ON t (i);\nCREATE UNIQUE INDEX CONCURRENTLY t_u ON t (i);\n';

async function row(project: ProjectFolder, name: string): Promise<unknown> {
  const [found] = await project.sql('api', `SELECT state, statements_done FROM orch.ledger WHERE name = '${name}'`);
  return found;
}

describe('a revision outside a transaction', () => {
  it('is run a statement at a time, and said so', async () => {
    const project = await makeProject({
      api: { revisions: { ...first, '002_i.up.sql': 'CREATE INDEX CONCURRENTLY t_i ON t (i);\nVACUUM t;' } },
    });
    const ended = await run(project, ['migrate']);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(/^api {2}002_i {2}applying outside a transaction\n/m);
    expect(ended.stderr).toContain('api  002_i  1 of 2 statements (50 %)\napi  002_i  2 of 2 statements (100 %)\n');
    expect(ended.stderr).toMatch(/^api {2}002_i {2}applied outside a transaction {2}/m);
    expect(await row(project, '002_i')).toEqual({ state: 'applied', statements_done: 2 });
  });

  it('that fails in its second statement keeps the first: exit 6, and what becomes of the INVALID index', async () => {
    const project = await makeProject({ api: { revisions: { ...first, '002_i.up.sql': indexes } } });
    const ended = await run(project, ['migrate']);
    expectFault(ended, {
      code: 6,
      happened: [
        '002_i failed: could not create unique index "t_u" (23505)',
        'api/revisions/002_i.up.sql:3:1\n',
        'CREATE UNIQUE INDEX CONCURRENTLY',
      ],
      now: '002_i runs outside a transaction: 1 statement before it stays; the next run goes on with statement 2',
      next: 'orch migrate --service api  # drops the INVALID index that the failed build left, and builds it again',
    });
    expect(await row(project, '002_i')).toEqual({ state: 'started', statements_done: 1 });
    expect(await project.sql('api', 'SELECT FROM orch.heads')).toHaveLength(1);
    expect((await run(project, ['status'])).code).toBe(3);
    const plan = await run(project, ['plan']);
    expect(plan.stdout).toMatch(/apply 002_i outside a transaction, from statement 2 on +it stopped after statement 1/);
  });

  it('goes on where it stopped, once what was in the way is gone', async () => {
    const project = await makeProject({ api: { revisions: { ...first, '002_i.up.sql': indexes } } });
    await run(project, ['migrate']);
    await project.sql('api', 'DROP INDEX CONCURRENTLY t_u');
    await project.sql('api', 'DELETE FROM t');
    const ended = await run(project, ['migrate', '-o', 'json']);
    const step = jsonLines(ended).find(({ type }) => type === 'step-progressed');
    expect(step).toMatchObject({ done: 2, total: 2, unit: 'statements', step: { transaction: 'none', resumeAt: 1 } });
    expect(ended.code).toBe(0);
    expect(await row(project, '002_i')).toEqual({ state: 'applied', statements_done: 2 });
    const log = await project.sql(
      'api',
      "SELECT outcome FROM orch.log WHERE revision = '002_i' AND outcome <> 'started' ORDER BY sequence",
    );
    expect(log).toEqual([{ outcome: 'failed' }, { outcome: 'succeeded' }]);
    expect(await run(project, ['migrate'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to do'),
    });
  });

  it('may be mended behind what is done, and only there', async () => {
    const project = await makeProject({ api: { revisions: { ...first, '002_i.up.sql': indexes } } });
    await run(project, ['migrate']);
    await project.sql('api', 'DROP INDEX CONCURRENTLY t_u');
    await project.write('api/revisions/002_i.up.sql', indexes.replace('t_i ON t (i)', 't_j ON t (i)'));
    const changed = await run(project, ['migrate']);
    expectFault(changed, {
      code: 7,
      happened:
        /002_i stopped half way, and what is done of it \(1 statement\) was changed since: api\/revisions\/002_i\.up\.sql/,
      now: 'nothing was applied for api',
      next: /orch show --service api 002_i --recorded .*put its done statements back into api\/revisions\/002_i\.up\.sql/,
    });
    await project.write('api/revisions/002_i.up.sql', indexes.replace('UNIQUE ', ''));
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    const [{ indexdef } = {}] = await project.sql<{ indexdef: string }>(
      'api',
      "SELECT indexdef FROM pg_indexes WHERE indexname = 't_u'",
    );
    expect(indexdef).not.toContain('UNIQUE');
    expect(await run(project, ['status'])).toMatchObject({ code: 0 });
  });

  it('whose first statement fails may be mended as well', async () => {
    const project = await makeProject({
      api: { revisions: { ...first, '002_i.up.sql': 'CREATE INDEX CONCURRENTLY t_i ON nowhere (i)' } },
    });
    const ended = await run(project, ['migrate']);
    expectFault(ended, {
      code: 6,
      happened: ['42P01', 'api/revisions/002_i.up.sql:1:1'],
      now: 'no statement of it is done',
      next: 'orch migrate',
    });
    await project.write('api/revisions/002_i.up.sql', 'CREATE INDEX CONCURRENTLY t_i ON t (i)');
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  });

  it('mixes with other statements where `transaction none` says that it may', async () => {
    const text =
      '-- orch: transaction none\nCREATE TABLE u (i int);\nCREATE INDEX CONCURRENTLY u_i ON u (i);\nSELECT 1/0;\n';
    const project = await makeProject({ api: { revisions: { ...first, '002_u.up.sql': text } } });
    expectFault(await run(project, ['migrate']), {
      code: 6,
      happened: ['division by zero', '002_u.up.sql:4:1'],
      now: '2 statements before it stay; the next run goes on with statement 3',
      next: 'orch migrate',
    });
    expect(await project.sql('api', 'SELECT FROM u')).toEqual([]);
  });

  it('has its timeouts in force, and leaves none of them behind', async () => {
    const text = [
      '-- orch: transaction none\n-- orch: lock_timeout 1234ms\n-- orch: statement_timeout 56s',
      "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement;",
    ].join('\n');
    const after =
      "CREATE TABLE later AS SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement";
    const project = await makeProject({
      api: { revisions: { ...first, '002_t.up.sql': text, '003_t.up.sql': after } },
    });
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT * FROM seen')).toEqual([{ lock: '1234ms', statement: '56s' }]);
    expect(await project.sql('api', 'SELECT * FROM later')).toEqual([{ lock: '500ms', statement: '0' }]);
  });

  it('that ran into the statement timeout says so', async () => {
    const text = '-- orch: transaction none\n-- orch: statement_timeout 200ms\nSELECT pg_sleep(600)';
    const project = await makeProject({ api: { revisions: { ...first, '002_t.up.sql': text } } });
    const ended = await run(project, ['migrate']);
    expectFault(ended, {
      code: 6,
      happened: 'canceling statement due to statement timeout',
      now: '',
      next: 'orch migrate',
    });
  });
});
