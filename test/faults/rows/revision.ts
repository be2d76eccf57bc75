import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import type { Random } from '../../config/random.ts';
import { canary } from '../../support/canary.ts';
import { startEmbeddedPostgres } from '../../support/embedded-postgres.ts';
import type { Ended } from '../../support/orch.ts';
import type { TestPostgres } from '../../support/postgres.ts';
import { runAsAdmin } from '../../support/test-database.ts';
import type { Row } from '../row.ts';
import type { Stage } from '../stage.ts';
import { services } from '../workload.ts';

const file = 'api-a/revisions/003_special.up.sql';
const mended = canary('003_special', 'CREATE TABLE mended (a int);');

async function migrate(stage: Stage): Promise<readonly Ended[]> {
  stage.hit = true;
  return [await stage.startDirect().ended];
}

/** A revision with a fault in it, which is then written as it should be. */
function faulty(
  name: string,
  numbers: Pick<Row, 'weight' | 'quick'>,
  texts: readonly string[],
  ends: Row['ends'],
  after: (broken: string) => string = () => mended,
): Row {
  const drawn = new WeakMap<Stage, string>();
  return {
    name,
    group: 'revision',
    ...numbers,
    scene: (draw: Random) => ({ services: services(draw, { 3: draw.pick(texts) }), applied: draw.below(3) }),
    inject: async (stage) => {
      drawn.set(stage, await readFile(join(stage.project.folder, file), 'utf8'));
      return await migrate(stage);
    },
    ends,
    mend: (stage) => stage.project.write(file, after(drawn.get(stage) ?? '')),
  };
}

/** What of a session may not come from the revision before. */
const FACTS = `INSERT INTO state SELECT concat_ws(' ', current_user, session_user, to_regclass('pg_temp.canary'), to_regclass('pg_temp.ledger'),
  (SELECT count(*) FROM pg_prepared_statements WHERE from_sql), (SELECT count(*) FROM pg_cursors WHERE is_holdable),
  (SELECT count(*) FROM pg_listening_channels()), (SELECT count(*) FROM pg_locks WHERE objid = 4711 AND pid = pg_backend_pid()),
  (SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings
    WHERE source IN ('session', 'client') AND name <> 'application_name'));`;

/** A revision that leaves things in its session: the one behind it must not find them. */
function leaving(name: string, numbers: Pick<Row, 'weight' | 'quick'>, texts: readonly string[]): Row {
  return {
    name,
    group: 'revision',
    ...numbers,
    scene: (draw) => ({
      services: services(draw, { 2: `CREATE TABLE state (facts text);\n${FACTS}`, 3: draw.pick(texts), 4: FACTS }),
      applied: draw.below(3),
    }),
    inject: migrate,
    ends: { 0: [] },
    check: async ({ project }) => {
      const facts = await project.sql<{ facts: string }>('api-a', 'SELECT DISTINCT facts FROM state');
      return facts.length === 1 ? [] : facts.map((row) => `a revision found: ${row.facts}`);
    },
  };
}

const three = 'CREATE TABLE a3 (i int);\nINSERT INTO a3 VALUES (1);\n';
const again = /orch (?:migrate|up)/;

export const revisionRows: readonly Row[] = [
  faulty(
    'invalid SQL in the middle of a revision',
    { weight: 8, quick: 1 },
    [
      `${three}SELEC 1;\nCREATE TABLE b3 ();`,
      `${three}SELECT no_such_column FROM a3;\nCREATE TABLE b3 ();`,
      `${three}SELECT 1 / (i - 1) FROM a3;\nCREATE TABLE b3 ();`,
      `${three}INSERT INTO a3 VALUES ('no number');\nCREATE TABLE b3 ();`,
      `${three}DO $$ BEGIN RAISE 'on purpose'; END $$;\nCREATE TABLE b3 ();`,
    ],
    { 5: [/003_special\.up\.sql:3:\d+/, /rolled back/, again] },
  ),
  faulty(
    'a constraint that fails at COMMIT',
    { weight: 3, quick: 1 },
    [
      `CREATE TABLE p (i int PRIMARY KEY); CREATE TABLE c (i int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
INSERT INTO c VALUES (1);`,
    ],
    { 5: [/violates foreign key/, /rolled back/, again] },
  ),
  faulty(
    'a statement that takes longer than it may',
    { weight: 3, quick: 1 },
    [
      '-- orch: statement_timeout 150ms\nSELECT pg_sleep(600);',
      "SET LOCAL statement_timeout = '150ms';\nSELECT pg_sleep(600);",
    ],
    { 5: [/statement timeout/, again] },
  ),
  faulty(
    'a revision outside a transaction that fails half way',
    { weight: 5, quick: 1 },
    [
      `-- orch: transaction none\n${three}${canary('003_special')}SELECT 1 / 0;\n`,
      `-- orch: transaction none\n${three}${canary('003_special')}SELECT * FROM nowhere;\n`,
    ],
    { 6: [/003_special\.up\.sql:\d/, /statements before it stay/, again] },
    (broken) => broken.replace(/SELECT .*\n$/, 'CREATE TABLE mended (a int);\n'),
  ),
  faulty(
    'CREATE INDEX CONCURRENTLY that fails',
    { weight: 4, quick: 1 },
    [
      `-- orch: transaction none\n${three}INSERT INTO a3 VALUES (1);\n${canary('003_special')}CREATE UNIQUE INDEX CONCURRENTLY u3 ON a3 (i);\n`,
    ],
    { 6: [/could not create unique index/, again] },
    (broken) => broken.replace('CREATE UNIQUE', 'CREATE'),
  ),
  faulty(
    'BEGIN, COMMIT, ROLLBACK and their like in a revision',
    { weight: 8, quick: 1 },
    [
      `${three}COMMIT;\nCREATE TABLE b3 ();`,
      `${three}ROLLBACK;\nCREATE TABLE b3 ();`,
      `${three}ABORT;\nBEGIN;\nCREATE TABLE b3 ();`,
      `${three}COMMIT AND CHAIN;\nCREATE TABLE b3 ();`,
      `${three}ROLLBACK AND CHAIN;\nCREATE TABLE b3 ();`,
      `${three}PREPARE TRANSACTION 'x';`,
      `${three}COMMIT PREPARED 'x';`,
      `${three}/* hidden */ START TRANSACTION READ ONLY;`,
      `${three}DO $$ BEGIN COMMIT; END $$;`,
      `${three}DO $$ BEGIN EXECUTE 'ROLLBACK'; END $$;`,
      `CREATE PROCEDURE p3() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;\nCALL p3();`,
      `CREATE PROCEDURE p3() LANGUAGE plpgsql AS $$ BEGIN ROLLBACK; END $$;\nCALL p3();`,
    ],
    { 2: [/transaction|COMMIT|ROLLBACK/, again], 5: [/transaction|COMMIT|ROLLBACK/, /rolled back|not run/, again] },
  ),
  leaving('a revision that leaves search path, role and settings behind', { weight: 6, quick: 1 }, [
    'SET search_path = pg_catalog; SET ROLE NONE;',
    "SET SESSION lock_timeout = '1ms'; SET statement_timeout = '1h'; SET idle_in_transaction_session_timeout = '1h';",
    'SET default_transaction_read_only = on;',
    'SET client_min_messages = error; SET standard_conforming_strings = off; PREPARE mine AS SELECT 1;',
    'CREATE TEMP TABLE ledger (a int); CREATE TEMP TABLE canary (a text);',
    "SELECT set_config('search_path', 'pg_temp', false), set_config('role', 'none', false);",
    'SET SESSION AUTHORIZATION DEFAULT; SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, DEFERRABLE;',
    'DECLARE mine CURSOR WITH HOLD FOR SELECT 1; LISTEN mine; SELECT pg_advisory_lock(4711);',
  ]),
  faulty(
    'a revision that unlocks all or discards all',
    { weight: 4, quick: 1 },
    ['SELECT pg_advisory_unlock_all();', 'DISCARD ALL;', 'RESET ALL;'],
    { 0: [], 2: [again], 5: [again] },
    (text) => (text.includes('DISCARD') ? mended : text),
  ),
  {
    name: 'timeouts set for the role',
    group: 'revision',
    weight: 3,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: 'SELECT pg_sleep(0.4);' }), applied: 1 }),
    inject: async (stage) => {
      const role = stage.project.owner('api-a');
      for (const name of [
        'idle_session_timeout',
        'idle_in_transaction_session_timeout',
        'transaction_timeout',
        'statement_timeout',
      ])
        await stage.project.sql(undefined, `ALTER ROLE "${role}" SET ${name} = '100ms'`);
      return await migrate(stage);
    },
    ends: { 0: [] },
  },
  {
    name: 'a ledger of a newer orch',
    group: 'revision',
    weight: 2,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: 1 }),
    inject: async (stage) => {
      const set = (change: string): Promise<unknown> =>
        stage.project.sql('api-a', `UPDATE orch.meta SET format = format ${change}`);
      await set('+ 1');
      const ended = await migrate(stage);
      await set('- 1');
      return ended;
    },
    ends: { 7: [/newer/, /orch --version|npm|update|upgrade/i] },
  },
  {
    name: 'an applied revision whose file was changed',
    group: 'revision',
    weight: 2,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: 1 }),
    inject: async (stage) => {
      await stage.project.write('api-a/revisions/001_first.up.sql', 'SELECT 1;');
      return await migrate(stage);
    },
    ends: { 7: [/001_first/] },
    mend: (stage) =>
      stage.project.write('api-a/revisions/001_first.up.sql', canary('001_first', 'CREATE TABLE canary (name text);')),
  },
  {
    name: 'a full disk below PostgreSQL',
    group: 'revision',
    weight: 3,
    quick: 1,
    need: 'mount',
    server: serverWithSmallDisk,
    scene: (draw) => ({
      services: services(draw, {
        3: 'CREATE TABLE big TABLESPACE small AS SELECT g, repeat(md5(g::text), 20) AS note FROM generate_series(1, 20000) AS g;',
      }),
      applied: 1 + draw.below(2),
    }),
    inject: migrate,
    // PostgreSQL's own hint; the number is 53100.
    ends: { 5: [/No space left on device \(53100\)/, /hint: Check free disk space/, /rolled back/, again] },
    mend: () => resize('64m'),
  },
];

const run = promisify(execFile);
/** The folder of the small file system of the test that runs. */
let disk = '';

async function resize(size: string): Promise<void> {
  await run('mount', ['-o', `remount,size=${size}`, disk]);
}

/** A server with a tablespace `small` of 4 MB. */
async function serverWithSmallDisk(): Promise<TestPostgres> {
  const embedded = await startEmbeddedPostgres({ adminPassword: 'admin secret' });
  const { uid, gid } = await stat(embedded.dataFolder);
  const folder = await mkdtemp(join(tmpdir(), 'orch-small-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=4m,uid=${uid},gid=${gid},mode=0700`, 'tmpfs', folder]);
  const stop = async (): Promise<void> => {
    await embedded.stop();
    await run('umount', [folder]);
    await rm(folder, { recursive: true, force: true });
  };
  onTestFinished(stop);
  const server = { ...embedded, hasVector: false, kind: 'embedded', stop } as const;
  await runAsAdmin(server, `CREATE TABLESPACE small LOCATION '${folder}'`);
  await runAsAdmin(server, 'GRANT CREATE ON TABLESPACE small TO PUBLIC');
  disk = folder;
  return server;
}
