import { describe, expect, it } from 'vitest';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { psql } from '../support/psql.ts';
import { run } from './support.ts';

/** Small memory: what grows beyond it ends the process with another code and another message. */
const small = { NODE_OPTIONS: '--max-old-space-size=120' };

const plain = { revisions: { '001_a.up.sql': 'SELECT 1;\n' } };

async function expectRefused(project: ProjectFolder, what: string): Promise<string> {
  const ended = await run(project, ['migrate'], small);
  expect(ended.code, `${what}\n${ended.output.slice(0, 2000)}`).toBe(2);
  expect(ended.output, what).toMatch(/faults? in the config|no .*config/);
  expect(ended.output, what).not.toMatch(/heap|bug in orch|^\s+at /m);
  // The message of a bomb is no bomb.
  expect(ended.output.length, what).toBeLessThan(20_000);
  return ended.output;
}

describe('a config file', () => {
  const nine = Array.from({ length: 9 }, (_, level) => String.fromCodePoint(97 + level));
  const laughs = nine
    .map(
      (name, level) =>
        `${name}: &${name} [${
          level === 0
            ? 'lol'
            : Array(9)
                .fill(`*${nine[level - 1]}`)
                .join(', ')
        }]`,
    )
    .join('\n');

  it.each<[string, string]>([
    ['a billion laughs', laughs],
    ['a billion laughs by merge', laughs.replaceAll('[', '{ <<: [').replaceAll(']', '] }')],
    ['an alias of itself', 'a: &a [*a]\n'],
    ['half a million brackets', '['.repeat(500_000)],
    ['braces without an end', '{a: '.repeat(100_000)],
    ['a hundred thousand keys', Array.from({ length: 100_000 }, (_, index) => `k${index}:`).join('\n')],
    ['a line of a million letters', `project: ${'a'.repeat(1_000_000)}`],
    ['a key of a million letters', `${'k'.repeat(1_000_000)}: 1`],
    ['two megabytes', `# ${'x'.repeat(2_000_000)}\n`],
    ['a million line ends', '\n'.repeat(1_000_000)],
    ['a million quotes', '"'.repeat(1_000_000)],
    ['a thousand anchors', Array.from({ length: 1000 }, (_, index) => `a${index}: &x${index} 1`).join('\n')],
    ['indentation without an end', Array.from({ length: 1000 }, (_, index) => `${' '.repeat(index)}a:`).join('\n')],
    ['a prototype', '__proto__: { a: 1 }\n"__proto__": { b: 1 }\nconstructor: { prototype: {} }\n'],
    ['a tag', 'project: !!js/function "function () {}"\n'],
    ['a key twice', 'project: a\nproject: b\n'],
    ['a control character', 'project: a\u0001b\n'],
    ['a byte that is no UTF-8 letter', 'project: \ufffe\ud800\n'],
    ['a variable in a variable', `project: ${'${A:-'.repeat(5000)}x${'}'.repeat(5000)}\n`],
  ])('with %s is refused in little memory, in words, and nothing is touched', async (what, text) => {
    const project = await makeProject({ shop: plain });
    await project.write('orchestrator.config.yaml', text);
    await expectRefused(project, `${what} in the config`);
    const other = await makeProject({ shop: plain });
    await other.write('shop/service.yaml', text);
    await expectRefused(other, `${what} in the service's file`);
    const name = other.database('shop');
    expect(await other.sql(undefined, `SELECT FROM pg_database WHERE datname = '${name}'`)).toEqual([]);
  });

  it('puts variables in as text: what is in them is neither YAML nor SQL nor another variable', async () => {
    const project = await makeProject({ shop: plain });
    const yaml = `name: shop
database: ${project.database('shop')}
owner: { role: ${project.owner('shop')}, password: "\${OWNER}" }
variables: { label: "\${LABEL}" }
`;
    await project.write('shop/service.yaml', yaml);
    const LABEL = 'a: b # ${OWNER} $$ \'; DROP TABLE t; -- "';
    await project.write(
      'shop/revisions/002_b.up.sql',
      "-- orch:variables label\nCREATE TABLE t AS SELECT :'label' AS label;\n",
    );
    const ended = await run(project, ['migrate'], { LABEL, OWNER: 'x: ["y\nname: other\n' });
    expect(ended.code, ended.output).toBe(0);
    expect(await project.sql('shop', 'SELECT label FROM t')).toEqual([{ label: LABEL }]);
  });

  it('keeps a secret out of variables, whose values the ledger records', async () => {
    const project = await makeProject({ shop: plain });
    const yaml = `name: shop\ndatabase: ${project.database('shop')}\nowner: { role: ${project.owner('shop')} }\n`;
    await project.write('shop/service.yaml', `${yaml}variables: { label: "to \${APP_PASSWORD}" }\n`);
    const ended = await run(project, ['migrate'], { APP_PASSWORD: 'c4n4ry-variable' });
    expect(ended.code, ended.output).toBe(2);
    expect(ended.output).toContain('this is a secret');
    expect(ended.output).not.toContain('c4n4ry');
  });
});

describe('a name in the config', () => {
  const hostile = [
    'a"b',
    "a'b",
    'a;b',
    'a`b',
    'a\\b',
    'a b',
    'a.b',
    'a-b;',
    'a/b',
    'a\nb',
    'a\u0000b',
    'a\u001b[2Jb',
    'a\u202eb',
    'a\u200bb',
    'é',
    'A',
    '1a',
    '',
    '$(id)',
    '${HOME',
    '%s',
    'x; DROP DATABASE postgres; --',
    'x" OWNER TO postgres; --',
    "x'; DROP ROLE postgres; --",
    'a'.repeat(64),
    'é'.repeat(32),
    '../../etc',
    '--help',
  ];

  /** Where a name becomes an identifier of the server. */
  const places: Readonly<Record<string, (project: ProjectFolder, name: string) => string>> = {
    database: (project, name) => `name: shop\ndatabase: ${name}\nowner: { role: ${project.owner('shop')} }\n`,
    owner: (project, name) => `name: shop\ndatabase: ${project.database('shop')}\nowner: { role: ${name} }\n`,
    role: (project, name) =>
      `name: shop\ndatabase: ${project.database('shop')}\nowner: { role: ${project.owner('shop')} }\nprerequisites: { roles: [{ name: ${name} }] }\n`,
    extension: (project, name) =>
      `name: shop\ndatabase: ${project.database('shop')}\nowner: { role: ${project.owner('shop')} }\nprerequisites: { extensions: [${name}] }\n`,
    variable: (project, name) =>
      `name: shop\ndatabase: ${project.database('shop')}\nowner: { role: ${project.owner('shop')} }\nvariables: { ${name}: 1 }\n`,
    service: (project, name) =>
      `name: ${name}\ndatabase: ${project.database('shop')}\nowner: { role: ${project.owner('shop')} }\n`,
  };
  /** What is a name there, although it is hostile elsewhere. */
  const fine: Readonly<Record<string, readonly string[]>> = { service: ['1a'], variable: ['a'.repeat(64)] };

  it.each(Object.keys(places))(
    'of a %s that is not on the list of letters is refused, and nothing is done',
    async (place) => {
      const project = await makeProject({ shop: plain });
      const before = await project.sql(undefined, 'SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles');
      for (const name of hostile.filter((one) => fine[place]?.includes(one) !== true)) {
        const yaml = places[place]?.(project, JSON.stringify(name)) ?? '';
        await project.write('shop/service.yaml', yaml);
        await expectRefused(project, `${place} ${JSON.stringify(name)}`);
      }
      const after = await project.sql(undefined, 'SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles');
      // Other tests have names of their own.
      expect(after.filter((row) => Object.values(row).some((name) => hostile.includes(String(name))))).toEqual([]);
      expect(after.length).toBeGreaterThanOrEqual(Math.min(2, before.length));
    },
  );

  it.each([
    ['owner', 'pg_monitor'],
    ['owner', 'public'],
    ['owner', 'none'],
    ['role', 'pg_read_all_data'],
    ['role', 'public'],
    ['role', 'none'],
    ['database', 'postgres'],
    ['database', 'template1'],
  ])('%s: %s is the server’s own and refused', async (place, name) => {
    const project = await makeProject({ shop: plain });
    await project.write('shop/service.yaml', places[place]?.(project, name) ?? '');
    await expectRefused(project, name);
  });

  it('that is a word of SQL is quoted wherever it is used, by migrate, in a script, and by reset', async () => {
    const project = await makeProject({ shop: plain });
    const suffix = project.database('shop').split('_').at(-1);
    // Both are reserved: unquoted, each would be a syntax error or another thing (`user` is the current one).
    const [role, app] = ['user', 'select'];
    const database = `table_${suffix}`;
    const yaml = `name: shop\ndatabase: ${database}\nowner: { role: ${role} }\nprerequisites: { roles: [{ name: ${app} }], extensions: [pgcrypto] }\n`;
    await project.write('shop/service.yaml', yaml);
    try {
      const script = (await run(project, ['sql'])).stdout;
      for (const args of [['migrate'], ['status'], ['reset', 'shop', '--yes']]) {
        const ended = await run(project, args);
        expect(ended.code, `${args.join(' ')}\n${ended.output}`).toBe(0);
      }
      const owner = `SELECT r.rolname AS role FROM pg_database AS d JOIN pg_roles AS r ON r.oid = d.datdba WHERE datname = '${database}'`;
      expect(await project.sql(undefined, owner)).toEqual([{ role }]);
      await project.sql(undefined, `DROP DATABASE ${database}`);
      await project.sql(undefined, `CREATE DATABASE ${database} OWNER "${role}"`);
      expect(await psql(project.postgres, database, script)).toMatchObject({ code: 0 });
    } finally {
      await project.sql(undefined, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      for (const name of [role, app]) await project.sql(undefined, `DROP ROLE IF EXISTS "${name}"`);
    }
  });
});
