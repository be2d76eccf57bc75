import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applied, columns, type GuideProject, names, openGuide, tables } from './guide-project.ts';

/**
 * The development memo of langchain-api: each of its blocks about the database, in its order, as orch does it. Every
 * test goes on where the one before it ended.
 */
let guide: GuideProject;
let url: string;

beforeAll(async () => {
  guide = await openGuide('langchain-api', 'ragdb');
  const { host, port } = guide.postgres;
  await guide.sql("CREATE ROLE raguser LOGIN PASSWORD 'ragpass'", 'postgres');
  await guide.sql('CREATE DATABASE ragdb OWNER raguser', 'postgres');
  url = `postgresql+psycopg://raguser:ragpass@${host}:${port}/ragdb`;
  guide.environment.DATABASE_URL = url;
});

afterAll(async () => {
  await guide?.end();
  await guide?.sql('DROP ROLE IF EXISTS raguser', 'postgres');
});

describe('first set-up', () => {
  test('the URL is taken as SQLAlchemy writes it', async () => {
    expect((await guide.run('wait')).stderr).toContain('ready');
    guide.environment.DATABASE_URL = url.replace('+psycopg', '');
    expect(await guide.done('current')).toMatch(/langchain-api +ragdb +none +0/);
    guide.environment.DATABASE_URL = url;
  });

  test('nothing has to be made but the first revision', async () => {
    expect(await guide.done('revision', '-m', 'init')).toBe('revisions/001_init.up.sql\nrevisions/001_init.down.sql\n');
    await guide.arrive('001');
    expect(await guide.done('upgrade', 'head')).toMatch(/001_init +1 revision applied/);
    expect(await tables(guide)).toEqual(['memories', 'words']);
    expect(await guide.sql("SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'words'")).toEqual([
      { owner: 'raguser' },
    ]);
  });
});

describe('changing a model', () => {
  test('2. and 3. a revision is written, looked at and applied', async () => {
    expect(await guide.done('revision', '-m', 'add importance')).toContain('002_add_importance.up.sql');
    await guide.sql("INSERT INTO words (text) VALUES ('猫')");
    await guide.sql("INSERT INTO memories (word_id, content, simplicity) VALUES (1, '猫は眠る', 7)");
    await guide.arrive('002');
    expect(await guide.done('show', '002')).toContain('ALTER TABLE memories ALTER COLUMN importance SET NOT NULL;');
    await guide.done('upgrade', 'head');
    expect(await guide.sql('SELECT importance FROM memories')).toEqual([{ importance: 7 }]);
  });
});

describe('the table of commands', () => {
  test('the newest', async () => {
    expect(await guide.done('upgrade', 'head')).toMatch(/^Nothing to do: 1 database at head/);
  });

  test('one back', async () => {
    await guide.done('downgrade', '-1', '--yes');
    expect(await columns(guide, 'memories')).not.toContain('memories.importance');
  });

  test('only the difference', async () => {
    // The model as it is now, as SQL.
    const model = await readFile(join(guide.folder, 'revisions/001_init.up.sql'), 'utf8');
    await guide.write('schema.sql', `${model}\nCREATE INDEX ix_memories_content ON memories (content);\n`);
    await appendFile(join(guide.folder, 'service.yaml'), 'schema: schema.sql\n');
    await guide.sql('ALTER ROLE raguser CREATEDB', 'postgres');
    const before = await guide.revisions();
    const found = await guide.run('revision', '--autogenerate', '--check');
    expect(found.code, found.output).toBe(3);
    expect(found.stderr).toContain('compared what 002_add_importance leaves with schema.sql');
    expect(found.stdout).toContain('CREATE INDEX ix_memories_content ON public.memories USING btree (content);');
    expect(await guide.revisions()).toEqual(before);
  });

  test('back to base', async () => {
    await guide.done('downgrade', 'base', '--yes');
    expect(await tables(guide)).toEqual([]);
    expect(await applied(guide)).toEqual([]);
  });

  test('the history', async () => {
    const history = await guide.done('history', '--verbose');
    expect(history).toMatch(/langchain-api 002_add_importance \(head\)[\s\S]*langchain-api 001_init\n/);
    expect(history.match(/state: +pending/g)).toHaveLength(2);
  });

  test('the current version', async () => {
    expect(await guide.done('current')).toMatch(/langchain-api +ragdb +none +0/);
    await guide.done('upgrade', '+1');
    expect(await guide.done('current')).toMatch(/langchain-api +ragdb +001_init +1 /);
  });

  test('what differs, without changing anything', async () => {
    const said = await guide.refused(3, 'check');
    expect(said).toContain('1 revision pending (002_add_importance)');
    expect(await guide.revisions()).toHaveLength(4);
    expect(await applied(guide)).toEqual(['001_init']);
  });
});

describe('at start-up', () => {
  test('several replicas migrate at once: one applies, the others wait and find nothing to do', async () => {
    const api = fileURLToPath(new URL('../../../dist/api.js', import.meta.url));
    await writeFile(
      join(guide.folder, 'replica.mjs'),
      `import { upgrade } from ${JSON.stringify(api)};
const { services: [service] } = await upgrade();
console.log(JSON.stringify(service.applied));
`,
    );
    const replicas = [1, 2, 3, 4].map(() =>
      execa(process.execPath, ['replica.mjs'], { cwd: guide.folder, env: { DATABASE_URL: url }, extendEnv: true }),
    );
    const ended = await Promise.all(replicas);
    expect(ended.map(({ stdout }) => stdout).sort()).toEqual(['["002_add_importance"]', '[]', '[]', '[]']);
    expect(await applied(guide)).toEqual(['001_init', '002_add_importance']);
  });

  test('waiting for the database is a command, and every command waits by itself', async () => {
    guide.environment.DATABASE_URL = url.replace(`:${guide.postgres.port}/`, ':1/');
    const waiting = guide.start('upgrade', 'head');
    await waiting.said('no TCP connection');
    waiting.child.kill('SIGINT');
    expect((await waiting.ended).code).toBe(130);
    guide.environment.DATABASE_URL = url;
    await guide.done('wait');
  });
});

describe('conventions', () => {
  test('names follow the convention of the guide, in templates as in tables', async () => {
    const [up = '', down = ''] = (await guide.done('revision', '-m', 'add source to memories')).trim().split('\n');
    const text = await readFile(join(guide.folder, up), 'utf8');
    for (const name of ['pk_memories', 'uq_memories_source', 'fk_memories_source_other_table', 'ix_memories_source']) {
      expect(text).toContain(name);
    }
    await guide.remove(up);
    await guide.remove(down);
    expect(await names(guide, 'memories')).toEqual(['fk_memories_word_id_words', 'ix_memories_word_id', 'pk_memories']);
    expect(await names(guide, 'words')).toEqual(['pk_words', 'uq_words_text']);
  });

  test('a column is dropped in a revision of its own, and comes back filled', async () => {
    await guide.arrive('003');
    await guide.done('upgrade', 'head');
    expect(await columns(guide, 'memories')).not.toContain('memories.simplicity');
    await guide.sql("INSERT INTO memories (word_id, content, importance) SELECT id, 'x', 3 FROM words LIMIT 1");
    await guide.done('downgrade', '002', '--yes');
    expect(await columns(guide, 'memories')).toContain('memories.simplicity');
  });
});
