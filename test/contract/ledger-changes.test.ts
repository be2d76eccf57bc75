import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { PostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import type { LedgerRow } from '../../src/core/observed.ts';
import type { Service } from '../../src/core/project.ts';
import type { Revision } from '../../src/core/revision.ts';
import type { Session } from '../../src/ports/database.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { sqlRevision } from '../support/revisions.ts';
import { createDatabase, ownerLocation, runAsAdmin } from '../support/test-database.ts';

const writer = { run: randomUUID(), host: 'host', version: '1.2.3' };
const noTimeouts = { lockTimeout: 0, statementTimeout: 0 };
const database = new PostgresDatabase({ run: writer.run });
const ledger = new PostgresLedger();
let postgres: TestPostgres;
let service: Service;
let session: Session;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(async () => {
  await postgres?.stop();
});

beforeEach(async () => {
  service = await createDatabase(postgres);
  session = await connect();
  await ledger.create(session, service, writer);
});

async function connect(): Promise<Session> {
  const opened = await database.connect(ownerLocation(service), 'worker');
  onTestFinished(() => opened.close());
  return opened;
}

function withDown(name: string, down: string, changes: Parameters<typeof sqlRevision>[1] = {}): Revision {
  const revision = sqlRevision(name, { requires: [], ...changes });
  const text = sqlRevision(name, { sql: down }).up;
  return { ...revision, down: { ...text, file: `/nowhere/${name}.down.sql` } };
}

async function apply(revision: Revision): Promise<void> {
  await ledger.begin(session, revision, writer, noTimeouts);
  expect(await ledger.commit(session, revision, writer, 1)).toBe(true);
}

async function rows(): Promise<readonly LedgerRow[]> {
  return (await ledger.observe(session, service)).ledger?.rows ?? [];
}

async function logged(): Promise<readonly unknown[]> {
  const found = await runAsAdmin(
    postgres,
    "SELECT action || ' ' || coalesce(revision, '') || coalesce(': ' || message, '') AS entry FROM orch.log WHERE action NOT IN ('apply', 'create-ledger') ORDER BY sequence",
    service.database,
  );
  return found.map(({ entry }) => entry);
}

async function sqlstateOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'none',
    (error: { sqlstate: string }) => error.sqlstate,
  );
}

describe('what is recorded of a revision', () => {
  it('is the texts with their files, the checksum of the down and what it requires', async () => {
    const requires = [{ service: 'api-auth', revision: '002' }];
    const users = withDown('001_users', 'DROP TABLE users', { requires });
    await apply(users);
    expect((await rows())[0]).toMatchObject({
      downChecksum: users.down?.checksum,
      upFile: '001_users.up.sql',
      downFile: '001_users.down.sql',
      requires: ['api-auth@002'],
      note: undefined,
      fileGone: false,
    });
    expect(await ledger.recorded(session, ['001_users', '007_none'])).toEqual(
      new Map([
        [
          '001_users',
          {
            name: '001_users',
            upFile: '001_users.up.sql',
            downFile: '001_users.down.sql',
            up: 'SELECT 1',
            down: 'DROP TABLE users',
          },
        ],
      ]),
    );
  });

  it('tells an empty down from none', async () => {
    await apply(withDown('001_empty', ''));
    await apply(sqlRevision('002_none', { requires: [] }));
    const found = await ledger.recorded(session, ['001_empty', '002_none']);
    expect([...found.values()].map(({ down }) => down)).toEqual(['', undefined]);
    expect((await rows()).map(({ downChecksum }) => downChecksum === undefined)).toEqual([false, true]);
  });
});

describe('a revert', () => {
  const users = withDown('001_users', 'DROP TABLE users');

  it('takes the row out with the down, in one transaction, and logs it', async () => {
    await apply(users);
    await ledger.beginRevert(session, users, writer, noTimeouts);
    const other = await connect();
    expect((await ledger.observe(other, service)).ledger?.rows).toHaveLength(1);
    await session.run('CREATE TABLE trace ()');
    expect(await ledger.commitRevert(session, users, writer, 3)).toBe(true);
    expect(await rows()).toEqual([]);
    expect(await logged()).toEqual(['revert 001_users']);
  });

  it('of what is not there is refused: a second runner finds no row', async () => {
    expect(await sqlstateOf(ledger.beginRevert(session, users, writer, noTimeouts))).toBe('P0002');
  });

  it('whose text ended the transaction, or put the row back, is rolled back', async () => {
    await apply(users);
    await ledger.beginRevert(session, users, writer, noTimeouts);
    await session.run('ROLLBACK; BEGIN');
    expect(await sqlstateOf(ledger.commitRevert(session, users, writer, 1))).toBe('OR001');
    expect(await rows()).toHaveLength(1);
  });

  it('outside a transaction keeps count, and is gone on with', async () => {
    await apply(users);
    await ledger.startRevert(session, users);
    await ledger.progress(session, users, 2);
    await ledger.startRevert(session, users);
    expect((await rows())[0]).toMatchObject({ state: 'reverting', statementsDone: 2 });
    await ledger.finishRevert(session, users, writer, 1);
    expect(await rows()).toEqual([]);
    expect(await sqlstateOf(ledger.startRevert(session, users))).toBe('P0002');
  });
});

describe('moves without running anything', () => {
  const [first, second] = [withDown('001_a', ''), withDown('002_b', '', { parents: ['001_a'] })] as const;

  it('stamp writes and takes out rows at once, with the reason', async () => {
    await apply(sqlRevision('000_old', { requires: [] }));
    await ledger.stamp(session, { add: [first, second], remove: ['000_old'], reason: "it's ours" }, writer);
    expect((await rows()).map(({ name, state, note }) => `${name} ${state} ${note}`)).toEqual([
      "001_a applied stamped: it's ours",
      "002_b applied stamped: it's ours",
    ]);
    expect(await logged()).toEqual(["unstamp 000_old: it's ours", "stamp 001_a: it's ours", "stamp 002_b: it's ours"]);
  });

  it('a stamp that fails leaves everything as it was, and the session usable', async () => {
    await apply(second);
    expect(
      await sqlstateOf(ledger.stamp(session, { add: [first, second], remove: [], reason: undefined }, writer)),
    ).toBe('23505');
    expect((await rows()).map(({ name }) => name)).toEqual(['002_b']);
  });

  it('accept takes over the file, or that it is gone', async () => {
    await apply(first);
    const changed = withDown('001_a', 'DROP TABLE a', { sql: 'SELECT 2', parents: ['000_x'] });
    await ledger.accept(session, { name: '001_a', revision: changed, reason: 'a remark' }, writer);
    expect((await rows())[0]).toMatchObject({
      checksum: changed.up.checksum,
      downChecksum: changed.down?.checksum,
      parents: ['000_x'],
      note: 'accepted: a remark',
    });
    await ledger.accept(session, { name: '001_a', revision: undefined, reason: 'lost' }, writer);
    expect((await rows())[0]).toMatchObject({ fileGone: true, checksum: changed.up.checksum });
    expect(await logged()).toEqual(['accept 001_a: a remark', 'accept 001_a: lost']);
    const absent = { name: '009_no', revision: undefined, reason: 'x' };
    expect(await sqlstateOf(ledger.accept(session, absent, writer))).toBe('P0002');
    expect(await logged()).toHaveLength(2);
  });

  it('relink records new parents, and which revision came late', async () => {
    await apply(second);
    await apply(first);
    await ledger.relink(session, [{ revision: '002_b', parents: ['001_a'], late: ['001_a'] }], writer);
    expect((await rows()).map(({ name, parents, note }) => [name, parents, note])).toEqual([
      ['002_b', ['001_a'], undefined],
      ['001_a', [], 'applied out of order, below 002_b'],
    ]);
  });
});

it('a ledger of our own format that lacks a column is a failure, not an empty ledger', async () => {
  await apply(withDown('001_a', ''));
  await runAsAdmin(postgres, 'ALTER TABLE orch.ledger DROP COLUMN note', service.database);
  expect(await sqlstateOf(ledger.observe(session, service))).toBe('42703');
});
