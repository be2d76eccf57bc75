import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { orch, startOrch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';

const table = `CREATE TABLE item (id bigint PRIMARY KEY, done int NOT NULL DEFAULT 0);
INSERT INTO item SELECT g * 7 FROM generate_series(1, 100) g;`;

/** Counts each row it works on, ten at a time, and waits before it works on the batch that begins with `hold`. */
const code = (head: string, hold: string, tail = '') => `${head}
export async function up({ batches, query, sql, log }) {
  log.info('begins');
  await batches({ table: 'item', key: 'id', size: 10 }, async ({ keys, first }) => {
    await query(sql\`UPDATE item SET done = done + 1 WHERE id = ANY (\${keys})\`);
    await query(sql\`SELECT pg_sleep(600) WHERE \${first} = \${'${hold}'} AND NOT EXISTS (SELECT FROM gate)\`);
  });
  ${tail}
}
export async function down({ batches, query, sql }) {
  await batches({ query: sql\`SELECT id FROM item WHERE done > \${0}\`, key: 'id', size: 30 }, ({ keys }) =>
    query(sql\`UPDATE item SET done = done - 1 WHERE id = ANY (\${keys})\`));
}
`;

const base = {
  '001_item.up.sql': `${table} CREATE TABLE gate ();`,
  '001_item.down.sql': 'DROP TABLE item; DROP TABLE gate;',
};
const counts = (project: ProjectFolder) =>
  project.sql<{ done: number; rows: number }>(
    'shop',
    'SELECT done, count(*)::int AS rows FROM item GROUP BY 1 ORDER BY 1',
  );

async function until(test: () => Promise<boolean>): Promise<void> {
  while (!(await test())) await sleep(50);
}

it('a batched revision outside a transaction goes on exactly where a kill stopped it', async () => {
  const project = await makeProject({
    shop: { revisions: { ...base, '002_count.ts': code('// orch: transaction none', '287') } },
  });
  const { folder: cwd } = project;
  const first = startOrch(['migrate'], { cwd });
  // The fifth batch has changed its rows and not committed.
  await until(async () => {
    const rows = await project.sql(
      undefined,
      `SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND state = 'active' AND datname = '${project.database('shop')}'`,
    );
    return rows.length > 0;
  });
  first.child.kill('SIGKILL');
  await first.ended;
  await until(
    async () =>
      (await project.sql(undefined, `SELECT FROM pg_stat_activity WHERE datname = '${project.database('shop')}'`))
        .length === 0,
  );
  expect(await counts(project)).toEqual([
    { done: 0, rows: 60 },
    { done: 1, rows: 40 },
  ]);
  expect(await project.sql('shop', 'SELECT state FROM orch.ledger ORDER BY sequence')).toEqual([
    { state: 'applied' },
    { state: 'started' },
  ]);
  expect(await project.sql('shop', 'SELECT position, rows_done FROM orch.cursor')).toEqual([
    { position: '280', rows_done: '40' },
  ]);
  expect((await orch(['plan'], { cwd })).stdout).toContain('it stopped half way');

  await project.sql('shop', 'INSERT INTO gate DEFAULT VALUES');
  const again = await orch(['migrate', '--verbose'], { cwd });
  expect(again).toMatchObject({ code: 0, output: expect.stringContaining('50 of 100 rows (50 %)') });
  expect(again.output).toContain('info: begins');
  expect(await counts(project)).toEqual([{ done: 1, rows: 100 }]);
  expect(await project.sql('shop', 'SELECT state FROM orch.ledger ORDER BY sequence')).toEqual([
    { state: 'applied' },
    { state: 'applied' },
  ]);
  expect(await project.sql('shop', 'SELECT FROM orch.cursor')).toEqual([]);
  expect(await project.sql('shop', "SELECT message FROM orch.log WHERE action = 'notice'")).toContainEqual({
    message: 'INFO: begins',
  });

  expect(await orch(['downgrade', '001', '--yes'], { cwd })).toMatchObject({ code: 0 });
  expect(await counts(project)).toEqual([{ done: 0, rows: 100 }]);
  expect(await orch(['migrate'], { cwd })).toMatchObject({ code: 0 });
  expect(await counts(project)).toEqual([{ done: 1, rows: 100 }]);
});

it('what fails behind a batch keeps the batches, says so, and does not run them again', async () => {
  const tail = "await query('SELECT 1 / (SELECT count(*) FROM gate)');";
  const project = await makeProject({
    shop: { revisions: { ...base, '002_count.ts': code('// orch: transaction none', '0', tail) } },
  });
  const failed = await orch(['migrate'], { cwd: project.folder });
  expect(failed).toMatchObject({ code: 6, output: expect.stringContaining('goes on behind the last batch') });
  expect(await counts(project)).toEqual([{ done: 1, rows: 100 }]);
  await project.sql('shop', 'INSERT INTO gate DEFAULT VALUES');
  expect(await orch(['migrate'], { cwd: project.folder })).toMatchObject({ code: 0 });
  expect(await counts(project)).toEqual([{ done: 1, rows: 100 }]);
});

it('batches of a revision in one transaction are rolled back together', async () => {
  const project = await makeProject({
    shop: { revisions: { ...base, '002_count.ts': code('', '0', "throw new Error('not now');") } },
  });
  const failed = await orch(['migrate'], { cwd: project.folder });
  expect(failed).toMatchObject({ code: 5, output: expect.stringContaining('not now') });
  expect(await counts(project)).toEqual([{ done: 0, rows: 100 }]);
});

it('a batch whose error was caught is not committed', async () => {
  const body = `// orch: transaction none
export async function up({ batches, query }) {
  await batches({ table: 'item', key: 'id', size: 60 }, async ({ first }) => {
    await query('UPDATE item SET done = done + 1');
    if (first !== '7') await query('SELECT 1/0').catch(() => undefined);
  });
}`;
  const project = await makeProject({ shop: { revisions: { ...base, '002_count.ts': body } } });
  const failed = await orch(['migrate'], { cwd: project.folder });
  expect(failed).toMatchObject({ code: 6, output: expect.stringContaining('an error in it was caught') });
  expect(await counts(project)).toEqual([{ done: 1, rows: 100 }]);
});
