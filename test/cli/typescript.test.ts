import { describe, expect, it } from 'vitest';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, jsonLines, run } from './support.ts';

const first = {
  '001_t.up.sql':
    'CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t SELECT i FROM generate_series(1, 1000) AS i;',
};

async function expectRolledBack(
  project: ProjectFolder,
  happened: readonly (string | RegExp)[],
  logged: string,
): Promise<void> {
  const ended = await run(project, ['migrate']);
  expectFault(ended, {
    code: 5,
    happened: ['api: 002_fill failed: ', ...happened],
    now: `rolled back; ${project.database('api')} is at 001_t.`,
    next: 'orch migrate --service api',
  });
  expect(ended.stderr).not.toContain('warning');
  expect(await project.sql('api', 'SELECT FROM t WHERE name IS NOT NULL')).toEqual([]);
  expect(await project.sql('api', 'SELECT name FROM orch.ledger')).toEqual([{ name: '001_t' }]);
  const [row] = await project.sql(
    'api',
    'SELECT outcome, revision, message FROM orch.log ORDER BY sequence DESC LIMIT 1',
  );
  expect(row).toEqual({ outcome: 'failed', revision: '002_fill', message: expect.stringContaining(logged) });
}

function withCode(body: string): Promise<ProjectFolder> {
  const code = `interface Row { readonly id: number }
export async function up(database: any): Promise<void> {
  await database.query("UPDATE t SET name = 'half' WHERE id < 10");
${body}
}
`;
  return makeProject({ api: { revisions: { ...first, '002_fill.ts': code } } });
}

describe('a TypeScript revision', () => {
  it('works in batches and tells its progress, in words and as JSON', async () => {
    const code = `
type Batch = { readonly rows: readonly { readonly id: number }[] };
export async function up(database: any): Promise<void> {
  const { rows: [{ total }] } = await database.query('SELECT count(*)::int AS total FROM t');
  let last = 0;
  for (let done = 0; ; ) {
    const batch: Batch = await database.query(
      "UPDATE t SET name = 'name ' || id WHERE id IN (SELECT id FROM t WHERE id > $1 ORDER BY id LIMIT 250) RETURNING id", [last]);
    if (batch.rows.length === 0) return;
    last = Math.max(...batch.rows.map(({ id }) => id));
    database.progress((done += batch.rows.length), total);
  }
}
export async function down(database: any): Promise<void> { await database.query('UPDATE t SET name = NULL'); }
`;
    const project = await makeProject({
      'api-a': { revisions: { ...first, '002_fill.ts': code } },
      'api-b': { revisions: { ...first, '002_fill.ts': code } },
    });
    const ended = await run(project, ['migrate', '--service', 'api-a']);
    expect(ended.code).toBe(0);
    for (const part of [
      '250 of 1000 rows (25 %)',
      '500 of 1000 rows (50 %)',
      '750 of 1000 rows (75 %)',
      '1000 of 1000 rows (100 %)',
    ]) {
      expect(ended.stderr).toContain(`api-a  002_fill  ${part}\n`);
    }
    expect(await project.sql('api-a', "SELECT FROM t WHERE name = 'name ' || id")).toHaveLength(1000);
    const lines = jsonLines(await run(project, ['migrate', '--service', 'api-b', '-o', 'json']));
    const progress = lines.filter(({ type }) => type === 'step-progressed');
    expect(progress.map(({ done, total, unit }) => [done, total, unit])).toEqual(
      [250, 500, 750, 1000].map((done) => [done, 1000, 'rows']),
    );
  });

  it('whose code throws is told by file, line and text, and leaves nothing', async () => {
    const project = await withCode(
      "  const row: Row = { id: 7 };\n  throw new Error('row ' + row.id + ' has\\nno name');",
    );
    await expectRolledBack(
      project,
      ['row 7 has\n  | no name\n', /\n {2}api\/revisions\/002_fill\.ts:5(:\d+)?\n {2}5 \| {3}throw new Error/],
      'row 7 has\nno name',
    );
  });

  it('whose statement fails is told by SQLSTATE and the line of the code', async () => {
    const project = await withCode("  await database.query('INSERT INTO nowhere VALUES ($1)', [1]);");
    await expectRolledBack(
      project,
      [
        'relation "nowhere" does not exist (42P01)',
        /api\/revisions\/002_fill\.ts:4(:\d+)?\n {2}4 \| {3}await database\.query/,
      ],
      'nowhere',
    );
  });

  it('that passes over an error of the database cannot be committed, and is told so', async () => {
    const project = await withCode("  await database.query('SELECT 1/0').catch(() => undefined);");
    await expectRolledBack(
      project,
      ['an error of the database was caught and passed over: PostgreSQL then commits nothing'],
      'caught and passed over',
    );
  });

  it.each(['COMMIT', 'ROLLBACK', '/* hidden */ begin', "PREPARE TRANSACTION 'x'", 'commit and chain'])(
    'cannot end or begin its transaction: %s',
    async (statement) => {
      const project = await withCode(`  await database.query(${JSON.stringify(statement)});`);
      await expectRolledBack(
        project,
        [/would end or begin the transaction that the revision runs in/, '002_fill.ts:4'],
        'would end or begin',
      );
    },
  );

  it('may use savepoints', async () => {
    const project = await withCode(`  await database.query('SAVEPOINT s');
  await database.query('SELECT 1/0').catch(() => database.query('ROLLBACK TO SAVEPOINT s'));`);
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', "SELECT FROM t WHERE name = 'half'")).toHaveLength(9);
  });

  it.each([
    ['a syntax error', '  const x = ;', /002_fill\.ts:4:\d+ {2}is no valid TypeScript: .*\n {2}4 \| {3}const x = ;\n/],
    [
      'an import of nothing',
      "  return;\n}\nimport './nothing.ts';\nfunction f() {",
      /002_fill\.ts(:\d+)* {2}cannot be loaded: .*nothing\.ts/,
    ],
  ])('that cannot be loaded: %s', async (_, body, happened) => {
    const project = await withCode(body);
    expectFault(await run(project, ['migrate']), {
      code: 2,
      happened: ['api: 1 fault in its revision files', happened],
      now: `${project.database('api')} is at 001_t.`,
      next: 'orch plan  # once it is mended',
    });
    const [row] = await project.sql('api', 'SELECT outcome, message FROM orch.log ORDER BY sequence DESC LIMIT 1');
    expect(row).toEqual({
      outcome: 'failed',
      message: expect.stringMatching(/002_fill\.ts.*(no valid TypeScript|cannot be loaded)/),
    });
  });

  it('runs the text that was hashed, and tells a later change', async () => {
    const project = await withCode('');
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    await project.write('api/revisions/002_fill.ts', 'export async function up() { /* nothing */ }');
    expect((await run(project, ['migrate'])).code).toBe(7);
  });
});
