import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findPgDump, type PgDump, restore } from '../../support/pg-dump.ts';
import { applied, columns, type GuideProject, openGuide, tables } from './guide-project.ts';

/**
 * The migration guide of Stock Analyzer: each of its blocks about the database, in its order, as orch does it. There
 * the database is a SQLite file that is copied; here it is PostgreSQL, and a dump takes the place of the copy.
 * Every test goes on where the one before it ended.
 */
let guide: GuideProject;
let dump: PgDump | undefined;
let backup = '';

const NO_DUMP = 'no pg_dump of version 17 on the PATH, and the server is in no container';

beforeAll(async () => {
  guide = await openGuide('stock-analyzer', 'stock_data');
  dump = await findPgDump(guide.postgres);
});

afterAll(() => guide?.end());

describe('commands', () => {
  test('upgrade to the newest', async () => {
    await guide.arrive('001');
    await guide.done('upgrade', 'head');
    expect(await tables(guide)).toEqual(['companies', 'stock_prices']);
    await guide.sql("INSERT INTO companies (symbol, name) VALUES ('7203', 'トヨタ自動車')");
    await guide.sql("INSERT INTO stock_prices VALUES ('7203', '2025-01-06', 3012.5)");
  });

  test('a new revision, with a message in any script', async () => {
    const [up = '', down = ''] = (await guide.done('revision', '-m', '変更内容の説明')).trim().split('\n');
    expect(await readFile(join(guide.folder, up), 'utf8')).toContain('-- orch: message 変更内容の説明\n');
    expect(await guide.done('history')).toContain('変更内容の説明');
    await guide.remove(up);
    await guide.remove(down);
  });

  test('where the database is, and the history', async () => {
    expect(await guide.done('current')).toMatch(/backend +stock_data +001_initial_schema +1 /);
    expect(await guide.done('history', '--verbose')).toMatch(
      /backend 001_initial_schema \(head\)\n {2}message: Create companies and stock_prices tables\n[\s\S]*parents: base\n/,
    );
  });

  test('back by one, to a certain one, and to nothing: each says beforehand what data goes', async () => {
    await guide.arrive('002');
    await guide.done('upgrade', 'head');
    await guide.done('downgrade', '-1', '--yes');
    expect(await columns(guide, 'companies')).toEqual(['companies.name', 'companies.symbol']);
    await guide.done('upgrade', 'head');
    await guide.done('downgrade', '001_initial_schema', '--yes');
    expect(await applied(guide)).toEqual(['001_initial_schema']);
    const asked = await guide.refused(2, 'downgrade', 'base');
    expect(asked).toMatch(/table stock_prices \(1 row\)\n +table companies \(1 row\)/);
    expect(await tables(guide)).toHaveLength(2);
    await guide.done('downgrade', 'base', '--yes');
    expect(await tables(guide)).toEqual([]);
    await guide.remove('revisions/002_add_industry_code_to_companies_table.up.sql');
    await guide.remove('revisions/002_add_industry_code_to_companies_table.down.sql');
  });
});

describe('changing the schema', () => {
  test('2. and 3. the new file is written and looked at', async () => {
    await guide.done('upgrade', 'head');
    // 1. The model is changed: here in psql.
    await guide.sql('ALTER TABLE companies ADD COLUMN industry_code varchar(10)');
    const found = await guide.run('revision', '--autogenerate', '-m', 'Add industry_code to companies table');
    expect(found.stderr).toContain(
      'compared what 001_initial_schema leaves with the database stock_data: 1 difference',
    );
    const [up = '', down = ''] = found.stdout.trim().split('\n');
    expect(up).toBe('revisions/002_add_industry_code_to_companies_table.up.sql');
    expect(await readFile(join(guide.folder, up), 'utf8')).toContain(
      'ALTER TABLE public.companies ADD COLUMN industry_code character varying(10);',
    );
    expect(await readFile(join(guide.folder, down), 'utf8')).toContain(
      'ALTER TABLE public.companies DROP COLUMN industry_code;',
    );
    await guide.remove(up);
    await guide.remove(down);
    await guide.sql('ALTER TABLE companies DROP COLUMN industry_code');
    expect(await guide.done('revision', '-m', 'Add industry_code to companies table')).toBe(`${up}\n${down}\n`);
    const text = await readFile(join(guide.folder, up), 'utf8');
    expect(text).toContain('ALTER TABLE companies ADD COLUMN industry_code text;');
    expect(await readFile(join(guide.folder, down), 'utf8')).toContain(
      'ALTER TABLE companies DROP COLUMN industry_code;',
    );
    // Edited as the guide says: what the file of the guide has.
    await guide.arrive('002');
    expect(await guide.done('show', 'head')).toContain('ADD COLUMN industry_code VARCHAR(10)');
  });

  test('4. it is applied in development', async () => {
    await guide.done('upgrade', 'head');
    expect(await columns(guide, 'companies')).toContain('companies.industry_code');
    await guide.sql("INSERT INTO companies VALUES ('7203', 'トヨタ自動車', NULL)");
  });

  test('5. what is committed is checked first', async () => {
    expect(await guide.done('check')).toContain('No findings: 1 service checked.');
  });
});

describe('in production', () => {
  test('the application runs, its database is at head', async () => {
    guide.environment.ENVIRONMENT = 'production';
    const application = guide.start('up');
    await application.said('1 service ready');
    expect(await guide.health()).toBe(200);
  });

  test('1. before: which revisions the new version brings', async () => {
    await guide.arrive('003');
    expect(await guide.refused(3, 'status')).toMatch(/1: 003_require_industry_code +running \(healthy\) .*behind/);
    const plan = await guide.done('plan');
    expect(plan).toMatch(/apply 003_require_industry_code +it is pending/);
    expect(plan).not.toContain('002');
    expect(await guide.done('sql', '002:')).toContain('ALTER COLUMN industry_code SET NOT NULL;');
  });

  test('2. a backup by hand', async (context) => {
    context.skip(dump === undefined, NO_DUMP);
    backup = (await dump?.('stock_data')) ?? '';
    expect(backup).toContain('CREATE TABLE orch.ledger');
  });

  test('3. the deployment: a revision that fails is rolled back whole, and the old application goes on', async () => {
    const failed = await guide.refused(5, 'up');
    expect(failed).toContain('revisions/003_require_industry_code.up.sql:3:1');
    expect(failed).toContain('column "industry_code" of relation "companies" contains null values');
    expect(failed).toContain('now:   rolled back; stock_data is at 002_add_industry_code_to_companies_table.');
    expect(await columns(guide, 'companies')).not.toContain('companies.sector');
    expect(await guide.health()).toBe(200);
  });

  test('3. … mended, it goes through', async () => {
    await guide.sql("UPDATE companies SET industry_code = '3700'");
    await guide.done('up');
    expect(await columns(guide, 'companies')).toContain('companies.sector');
  });

  test('4. afterwards: the version and the history', async () => {
    expect(await guide.done('current', '--check-heads')).toContain('003_require_industry_code');
    expect(await guide.done('history', '--verbose')).toMatch(
      /backend 003_require_industry_code \(head\)\n[\s\S]*?state: +applied .* by stock_owner/,
    );
  });

  test('5. the application answers, and its log says so', async () => {
    expect(await guide.health()).toBe(200);
    expect(await guide.done('logs', 'backend', '--tail', '5')).toContain('application startup complete');
    const follower = guide.start('logs', '--follow', 'backend');
    await follower.said('application startup complete');
    follower.child.kill('SIGINT');
    await follower.ended;
  });

  test('on failure: 1. everything is stopped', async () => {
    await guide.done('down');
    expect(await guide.health()).toBe(0);
    expect(await applied(guide)).toHaveLength(3);
  });

  test('on failure: 2. and 3. the backup and the files of the version before are put back, and it starts', async (context) => {
    context.skip(dump === undefined, NO_DUMP);
    await guide.sql('DROP DATABASE stock_data', 'postgres');
    await guide.sql('CREATE DATABASE stock_data OWNER stock_owner', 'postgres');
    await restore(guide.postgres, 'stock_data', backup);
    await guide.remove('revisions/003_require_industry_code.up.sql');
    await guide.remove('revisions/003_require_industry_code.down.sql');
    const application = guide.start('up');
    await application.said('1 service ready');
    expect(await guide.done('current', '--check-heads')).toContain('002_add_industry_code_to_companies_table');
    expect(await guide.health()).toBe(200);
    await guide.done('down');
    await application.ended;
    await guide.arrive('003');
    // The backup is from before the rows were mended.
    await guide.sql("UPDATE companies SET industry_code = '3700'");
    await guide.done('upgrade', 'head');
  });
});

describe('trouble', () => {
  test('a migration that fails: where it stands, and one back', async () => {
    expect(await guide.done('current')).toContain('003_require_industry_code');
    await guide.done('downgrade', '-1', '--yes');
    expect(await columns(guide, 'companies')).not.toContain('companies.sector');
  });

  test('a revision written by hand', async () => {
    await guide.done('upgrade', 'head');
    const written = await guide.done('revision', '-m', 'Manual migration description');
    expect(written).toContain('revisions/004_manual_migration_description.up.sql\n');
    await guide.write(
      'revisions/004_manual_migration_description.up.sql',
      'CREATE VIEW symbols AS SELECT symbol FROM companies;\n',
    );
    await guide.write('revisions/004_manual_migration_description.down.sql', 'DROP VIEW symbols;\n');
    await guide.done('upgrade', 'head');
    expect(await guide.sql('SELECT symbol FROM symbols')).toEqual([{ symbol: '7203' }]);
  });

  test('the database is thrown away and built anew: never in production, in development by one command', async () => {
    const refused = await guide.refused(2, 'reset', 'stock_data', '--yes');
    expect(refused).toContain('reset of stock_data is refused: the environment is production, not development');
    guide.environment.ENVIRONMENT = 'development';
    expect(await guide.refused(2, 'reset', 'stock_data')).toMatch(/companies +1/);
    await guide.done('reset', 'stock_data', '--yes');
    expect(await guide.sql('SELECT FROM companies')).toEqual([]);
    expect(await applied(guide)).toHaveLength(4);
  });
});
