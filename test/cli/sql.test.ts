import { describe, expect, it } from 'vitest';
import { snapshot } from '../support/catalog-snapshot.ts';
import { generateHistory } from '../support/generated-history.ts';
import { orch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { psql } from '../support/psql.ts';

async function run(project: ProjectFolder, ...args: string[]): Promise<string> {
  const ended = await orch(args, { cwd: project.folder });
  expect(ended.output.slice(0, 3_000), args.join(' ')).toSatisfy(() => ended.code === 0);
  return ended.stdout;
}

/** An empty database in the place of the one that is there. */
async function renew(project: ProjectFolder): Promise<void> {
  await project.sql(undefined, `DROP DATABASE IF EXISTS ${project.database('shop')}`);
  await project.sql(undefined, `CREATE DATABASE ${project.database('shop')} OWNER ${project.owner('shop')}`);
}

const ran = { code: 0, output: expect.not.stringContaining('ERROR') };
const seeds = { '001_first.up.sql': 'CREATE TABLE seeded AS SELECT 1 AS a;' };
const yaml = 'variables: { schema_name: Odd "Schema", label: it\'s }';

describe('a script of orch sql', () => {
  it.each([1, 2, 3, 4])(
    'leaves what migrate leaves, up, from the middle, and down: generated history %i',
    async (seed) => {
      const revisions = generateHistory(seed, 24);
      const project = await makeProject({ shop: { revisions, seeds, yaml } });
      const { postgres } = project;
      const look = () => snapshot(postgres, project.database('shop'));
      await run(project, 'migrate');
      const migrated = await look();
      await run(project, 'downgrade', '012', '--yes');
      const inTheMiddle = await look();
      await run(project, 'downgrade', 'base', '--yes');
      const downgraded = await look();

      await renew(project);
      expect(await psql(postgres, project.database('shop'), await run(project, 'sql'))).toEqual(ran);
      expect(await look()).toEqual(migrated);
      expect(await run(project, 'plan')).toMatch(/nothing to do/i);
      expect(
        await psql(postgres, project.database('shop'), await run(project, 'sql', 'head:012', '--downgrade')),
      ).toEqual(ran);
      expect(await look()).toEqual(inTheMiddle);
      expect(
        await psql(postgres, project.database('shop'), await run(project, 'sql', '012:base', '--downgrade')),
      ).toEqual(ran);
      expect(await look()).toEqual(downgraded);

      await renew(project);
      await run(project, 'migrate', '012');
      expect(await psql(postgres, project.database('shop'), await run(project, 'sql', '012:'))).toEqual(ran);
      const { log: _, ...gone } = await look();
      const { log: _log, ...whole } = migrated;
      expect(gone).toEqual(whole);
    },
  );

  it('can be run by the owner alone, without a superuser', async () => {
    const project = await makeProject({ shop: { revisions: { '001_a.up.sql': 'CREATE TABLE a ();' } } });
    await run(project, 'migrate', 'base');
    await renew(project);
    const owner = { user: project.owner('shop'), password: 'owner-canary-7f3a' };
    expect(await psql(project.postgres, project.database('shop'), await run(project, 'sql'), owner)).toEqual(ran);
    expect(await run(project, 'plan')).toMatch(/nothing to do/i);
  });

  it('holds no password, connects to nothing, and is the same each time', async () => {
    const revisions = generateHistory(9, 6);
    const project = await makeProject(
      { shop: { revisions, yaml } },
      { server: 'postgresql://nobody@127.0.0.1:1/postgres' },
    );
    const script = await run(project, 'sql');
    expect(script).not.toMatch(/canary/);
    expect(await run(project, 'sql')).toBe(script);
    const json = JSON.parse((await run(project, 'sql', '--output', 'json')).trim().split('\n').at(-1) ?? '') as {
      type: string;
      text: string;
    };
    expect(json).toMatchObject({ type: 'script', text: script });
  });

  it('refuses a database that is somewhere else, and stops at the first error', async () => {
    const project = await makeProject({
      shop: {
        revisions: {
          '001_a.up.sql': 'CREATE TABLE a ();',
          '002_b.up.sql': 'SELECT 1/0;',
          '003_c.up.sql': 'CREATE TABLE c ();',
        },
      },
    });
    const database = project.database('shop');
    const whole = await run(project, 'sql');
    const rest = await run(project, 'sql', '002:');
    await run(project, 'migrate', '001');
    expect(await psql(project.postgres, database, whole)).toEqual({
      code: 3,
      output: expect.stringContaining('has revisions already'),
    });
    expect(await psql(project.postgres, database, rest)).toEqual({
      code: 3,
      output: expect.stringContaining('is not at 002_b'),
    });
    const next = await psql(project.postgres, database, await run(project, 'sql', '001:'));
    expect(next).toEqual({ code: 3, output: expect.stringContaining('division by zero') });
    expect(await project.sql('shop', 'SELECT name, state FROM orch.ledger')).toEqual([
      { name: '001_a', state: 'applied' },
    ]);
  });

  it('is refused the commit of a revision that ends its own transaction', async () => {
    const project = await makeProject({
      shop: { revisions: { '001_a.up.sql': "DO $$ BEGIN EXECUTE 'DELETE FROM orch.ledger'; END $$;" } },
    });
    await run(project, 'migrate', 'base');
    await renew(project);
    const end = await psql(project.postgres, project.database('shop'), await run(project, 'sql'));
    expect(end).toEqual({ code: 3, output: expect.stringContaining('removed its row from the ledger') });
  });

  it('says where TypeScript cannot be written down, stops there, and migrate goes on', async () => {
    const code = `export async function up({ query }) {
      const { rows } = await query('SELECT 7 AS n');
      await query('CREATE TABLE n AS SELECT $1::int AS n', [rows[0].n]);
    }`;
    const project = await makeProject({
      shop: {
        revisions: { '001_a.up.sql': 'CREATE TABLE a ();', '002_b.ts': code, '003_c.up.sql': 'CREATE TABLE c ();' },
      },
    });
    const script = await run(project, 'sql');
    expect(script).toContain('-- 002_b is TypeScript and cannot be written as SQL: it looks at what a query gives\n');
    await run(project, 'migrate', 'base');
    await renew(project);
    expect(await psql(project.postgres, project.database('shop'), script)).toEqual({
      code: 3,
      output: expect.stringContaining('go on with `orch migrate`'),
    });
    await run(project, 'migrate');
    expect(await project.sql('shop', 'SELECT n FROM n')).toEqual([{ n: 7 }]);
    expect(await psql(project.postgres, project.database('shop'), await run(project, 'sql', '003:'))).toEqual(ran);
  });
});
