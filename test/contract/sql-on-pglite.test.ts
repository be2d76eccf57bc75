import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { makeTemplate, type RunningDatabase, startDatabase } from '../../src/adapters/local/database-worker.ts';
import { localPaths } from '../../src/adapters/local/paths.ts';
import type { Location } from '../../src/ports/database.ts';
import { type FileRunner, fileRunner } from '../support/apply-file.ts';
import { temporaryFolder } from '../support/local-service.ts';
import { ownerLocation, runAt, testService } from '../support/test-database.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let database: RunningDatabase;
let location: Location;
let files: FileRunner;
const name = 'sqldb';

beforeAll(async () => {
  folder = await temporaryFolder();
  const paths = localPaths(folder.path);
  const template = paths.template('test');
  await mkdir(paths.data, { recursive: true });
  await makeTemplate(template);
  const roles = { owner: 'sql_owner', admins: ['postgres'], roles: [] };
  const spec = {
    database: name,
    folder: paths.database(name),
    template,
    ...roles,
    extensions: [],
    port: 0,
    idleInTransaction: 1000,
  };
  database = await startDatabase(spec, (error) => {
    throw error;
  });
});

afterAll(async () => {
  await database?.close(5000);
  await folder?.remove();
});

beforeEach(async () => {
  const nowhere = {
    host: '127.0.0.1',
    port: database.port,
    adminRole: 'postgres',
    adminPassword: '',
    hasVector: false,
    kind: 'embedded',
  } as const;
  const service = testService(nowhere, { database: name, owner: { role: 'sql_owner', password: undefined } });
  location = ownerLocation(service, { sessions: 'one' });
  await runAt(
    location,
    'DROP SCHEMA IF EXISTS orch CASCADE; DROP TABLE IF EXISTS t, u; DROP SCHEMA IF EXISTS elsewhere CASCADE',
  );
  files = await fileRunner(service, location);
});

async function rows(sql: string): Promise<readonly Record<string, unknown>[]> {
  return await runAt(location, sql);
}

it('COPY … FROM stdin fails with a clear reason, and nothing is left', async () => {
  const applying = files.apply('001_a', 'CREATE TABLE t (a int);\nCOPY t FROM stdin;\n1\n\\.\n');
  await expect(applying).rejects.toMatchObject({
    code: 'sql-failed',
    at: { line: 2 },
    details: {
      sqlstate: '0A000',
      message: expect.stringContaining('COPY'),
      serverHint: expect.stringContaining('INSERT'),
    },
  });
  expect(await rows("SELECT to_regclass('public.t') AS t")).toEqual([{ t: null }]);
  await files.apply('001_a', 'CREATE TABLE t (a int);');
});

it('a large file runs in pieces, and an error in it shows its place', async () => {
  const insert = Array.from({ length: 40_000 }, (_, row) => `INSERT INTO t VALUES (${row}, '${'x'.repeat(10)} 😀');\n`);
  await files.apply('001_a', `CREATE TABLE t (a int, b text);\n${insert.join('')}`);
  expect(await rows('SELECT count(*)::int AS n FROM t')).toEqual([{ n: 40_000 }]);
  insert[39_000] = 'INSERT INTO t VALUES (1/0);\n';
  const applying = files.apply('002_b', insert.join(''));
  await expect(applying).rejects.toMatchObject({ at: { line: 39_001 }, details: { sqlstate: '22012' } });
  expect(await rows('SELECT count(*)::int AS n FROM t')).toEqual([{ n: 40_000 }]);
});

it('settings that a file leaves do not reach the next file', async () => {
  await files.apply('001_a', "CREATE SCHEMA elsewhere; SET search_path = elsewhere; SET TimeZone = 'Asia/Tokyo';");
  await files.apply('002_b', "CREATE TABLE t AS SELECT current_setting('TimeZone') AS zone");
  expect(await rows("SELECT zone = 'Asia/Tokyo' AS leaked FROM public.t")).toEqual([{ leaked: false }]);
});

it('outside a transaction, the file’s own BEGIN and COMMIT count', async () => {
  const text =
    '-- orch:transaction none\nCREATE TABLE t (a int);\nBEGIN;\nINSERT INTO t VALUES (1);\nSELECT 1/0;\nCOMMIT;\n';
  await expect(files.apply('001_a', text)).rejects.toMatchObject({
    at: { line: 5 },
    details: { partial: true, statementsDone: 1 },
  });
  expect(await rows('SELECT count(*)::int AS n FROM t')).toEqual([{ n: 0 }]);
  await files.apply('001_a', text.replace('1/0', '1'), 1);
  expect(await rows('SELECT state FROM orch.ledger')).toEqual([{ state: 'applied' }]);
});
