import { expect, it } from 'vitest';
import { orch } from '../support/orch.ts';
import { makeProject } from '../support/project-folder.ts';

const HOSTILE = `a'; DROP TABLE other; --\\`;

const revisions = {
  '001_make.up.sql': `-- orch: variables schema_name label
CREATE TABLE other ();
CREATE SCHEMA :"schema_name";
CREATE TABLE :"schema_name".t (a text DEFAULT :'label', b int[]);
INSERT INTO :"schema_name".t (b) VALUES ((ARRAY[1,2,3])[1:2]);
COMMENT ON TABLE :"schema_name".t IS ':"label"'; -- :'label'
`,
  '001_make.down.sql': 'DROP SCHEMA :"schema_name" CASCADE; DROP TABLE other;',
  '002_code.ts': `// orch: variables label
export async function up({ query, sql, config }) {
  await query(sql\`CREATE TABLE made AS SELECT \${config.variables.label}::text AS label, \${Object.keys(config.variables).length}::int AS known\`);
}
export async function down({ query }) { await query('DROP TABLE made'); }`,
};

it('values are put in as identifiers and literals only, recorded, and taken back with what was recorded', async () => {
  const project = await makeProject({ shop: { revisions, yaml: 'variables: { schema_name: one, label: plain }' } });
  const { folder: cwd } = project;
  const set = ['--set', 'schema_name=Odd "Na.me"', '--set', `label=${HOSTILE}`];
  expect(await orch(['migrate', ...set], { cwd })).toMatchObject({ code: 0 });
  expect(await project.sql('shop', 'SELECT a, b FROM "Odd ""Na.me""".t')).toEqual([{ a: HOSTILE, b: [1, 2] }]);
  expect(
    await project.sql(
      'shop',
      `SELECT obj_description('"Odd ""Na.me""".t'::regclass) AS said, to_regclass('other') IS NOT NULL AS kept`,
    ),
  ).toEqual([{ said: ':"label"', kept: true }]);
  expect(await project.sql('shop', 'SELECT * FROM made')).toEqual([{ label: HOSTILE, known: 1 }]);
  expect(await project.sql('shop', 'SELECT variables, up_text FROM orch.ledger ORDER BY sequence')).toEqual([
    { variables: { schema_name: 'Odd "Na.me"', label: HOSTILE }, up_text: revisions['001_make.up.sql'] },
    { variables: { label: HOSTILE }, up_text: revisions['002_code.ts'] },
  ]);
  // Neither the config's values nor other ones make it a changed revision, or lead its down astray.
  expect(await orch(['migrate'], { cwd })).toMatchObject({ code: 0 });
  expect(await orch(['downgrade', 'base', '--yes'], { cwd })).toMatchObject({ code: 0 });
  expect(await project.sql('shop', "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'Odd%'")).toEqual([]);
});

it('a variable without a value, an unfit value and a misspelt --set are refused before anything runs', async () => {
  const project = await makeProject({ shop: { revisions, yaml: 'variables: { label: x }' } });
  const { folder: cwd } = project;
  const missing = await orch(['migrate'], { cwd });
  expect(missing).toMatchObject({ code: 2, output: expect.stringContaining('the variable schema_name has no value') });
  expect(await orch(['migrate', '--set', 'schema_nam=x'], { cwd })).toMatchObject({
    code: 2,
    output: expect.stringContaining('no revision of these services names it (they name schema_name, label)'),
  });
  const long = await orch(['migrate', '--set', `schema_name=${'é'.repeat(32)}`], { cwd });
  expect(long).toMatchObject({ code: 2, output: expect.stringMatching(/001_make\.up\.sql:3:15.*\n?.*64 bytes long/s) });
  expect(await orch(['migrate', '--set', 'schema_name=a\nb'], { cwd })).toMatchObject({ code: 2 });
  expect(await project.sql(undefined, `SELECT FROM pg_database WHERE datname = '${project.database('shop')}'`)).toEqual(
    [],
  );
  expect(await orch(['migrate', '--set', 'schema_name=two'], { cwd })).toMatchObject({ code: 0 });
});
