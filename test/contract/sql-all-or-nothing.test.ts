import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import type { StepOf } from '../../src/core/plan.ts';
import type { Service } from '../../src/core/project.ts';
import type { Revision } from '../../src/core/revision.ts';
import { createSqlText } from '../../src/core/sql/sql-text.ts';
import type { Session } from '../../src/ports/database.ts';
import { type FileRunner, fileRunner } from '../support/apply-file.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { sqlRevision } from '../support/revisions.ts';
import { createDatabase, ownerLocation, runAsAdmin } from '../support/test-database.ts';

/* Messages go out before earlier ones have answered: nothing of a revision may be kept where any part of it failed. */

let postgres: TestPostgres;
let service: Service;
let files: FileRunner;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(async () => {
  await postgres?.stop();
});

beforeEach(async () => {
  service = await createDatabase(postgres);
  files = await fileRunner(service, ownerLocation(service));
});

async function rows(sql: string): Promise<readonly Record<string, unknown>[]> {
  return await runAsAdmin(postgres, sql, service.database);
}

/** The text as if no check had seen it: what counts is what happens then. */
async function applyUnchecked(name: string, text: string): Promise<string | undefined> {
  const up = createSqlText({
    file: `/${name}.sql`,
    shownFile: name,
    text,
    checksum: 'v1:sha256:0',
    transaction: undefined,
  });
  const revision = { ...sqlRevision(name), requires: [], variables: [], up } as Revision;
  const step = {
    kind: 'apply-revision',
    id: name,
    subject: { service: service.name, database: service.database },
    resumeAt: 0,
  };
  return await files.applyStep({ ...step, revision } as unknown as StepOf<'apply-revision'>);
}

const padding = `SELECT '${'x'.repeat(100)}';\n`.repeat(3_000);

it('a revision that another runner has applied leaves nothing, however many messages its text takes', async () => {
  await files.apply('001_a', 'SELECT 1');
  const again = applyUnchecked('001_a', `CREATE TABLE public.t (a int);\n${padding}CREATE TABLE public.u (a int);`);
  await expect(again).rejects.toMatchObject({ code: 'observed-changed' });
  expect(await rows("SELECT to_regclass('public.t') AS t, to_regclass('public.u') AS u")).toEqual([
    { t: null, u: null },
  ]);
});

it('an error in a later message undoes the earlier ones, and those behind it run nothing', async () => {
  const text = `CREATE SCHEMA one;\n${padding}SELECT 1/0;\n${padding}CREATE SCHEMA two;\n${padding}`;
  await expect(applyUnchecked('001_a', text)).rejects.toMatchObject({ code: 'sql-failed', at: { line: 3_002 } });
  expect(await rows("SELECT nspname FROM pg_namespace WHERE nspname IN ('one', 'two')")).toEqual([]);
  expect(await rows('SELECT * FROM orch.ledger')).toEqual([]);
});

it('a first message that cannot even be read keeps the others from running outside the transaction', async () => {
  const text = `CREATE SCHEMA one;\nSELEC 1;\n${padding}CREATE SCHEMA two;\n${padding}CREATE SCHEMA three;`;
  await expect(applyUnchecked('001_a', text)).rejects.toMatchObject({
    at: { line: 2, column: 1 },
    details: { sqlstate: '42601' },
  });
  expect(await rows("SELECT nspname FROM pg_namespace WHERE nspname IN ('one', 'two', 'three')")).toEqual([]);
});

it.each(['COMMIT', 'ROLLBACK', 'COMMIT AND CHAIN', 'COMMIT; BEGIN', 'END; START TRANSACTION'])(
  'a text with %s that no check has seen is never recorded as applied',
  async (control) => {
    await expect(applyUnchecked('001_a', `CREATE SCHEMA one;\n${control};\nCREATE SCHEMA two;`)).rejects.toMatchObject({
      details: { sqlstate: 'OR001', message: expect.stringMatching(/ended its own transaction|removed its row/) },
    });
    const states = (await rows('SELECT state FROM orch.ledger')).map(({ state }) => state);
    expect(states).not.toContain('applied');
    await applyUnchecked('002_b', 'SELECT 1');
  },
);

it('a cancel at any moment leaves all or nothing', async () => {
  const database = new PostgresDatabase({ run: 'test' });
  const killer = await database.connect(ownerLocation(service), 'test');
  try {
    let applied = 0;
    for (let index = 0; index < 60; index += 1) {
      const pid = (await files.target.worker()).pid;
      const applying = applyUnchecked(
        `${100 + index}_a`,
        `CREATE SCHEMA s${100 + index};\n${padding.slice(0, 11_100)}`,
      );
      const cancelling = cancelSoon(killer, pid, index);
      const ended = await applying.then(
        () => 'applied',
        () => 'failed',
      );
      if (ended === 'applied') applied += 1;
      await cancelling;
    }
    const differing = await rows(`SELECT n.nspname, l.name FROM pg_namespace AS n FULL JOIN orch.ledger AS l
      ON l.name = substr(n.nspname, 2) || '_a' WHERE (n.nspname ~ '^s1' OR n.nspname IS NULL) AND (l.state IS DISTINCT FROM 'applied' OR n.nspname IS NULL)`);
    expect(differing).toEqual([]);
    expect(await rows('SELECT count(*)::int AS n FROM orch.ledger')).toEqual([{ n: applied }]);
  } finally {
    await killer.close();
  }
});

/** Cancels some rounds of the event loop later: before, during and after each of the messages. */
async function cancelSoon(killer: Session, pid: number, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await new Promise((resolve) => setImmediate(resolve));
  await killer.query('SELECT pg_catalog.pg_cancel_backend($1)', [pid]);
}
