import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeTemplate, type RunningDatabase, startDatabase } from '../../src/adapters/local/database-worker.ts';
import { localPaths } from '../../src/adapters/local/paths.ts';
import { message, query, startupPacket, sync } from '../../src/adapters/local/wire-frames.ts';
import { temporaryFolder, until } from '../support/local-service.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let database: RunningDatabase;
const open = new Set<pg.Client>();

async function client(options: pg.ClientConfig = {}): Promise<pg.Client> {
  const made = new pg.Client({
    host: '127.0.0.1',
    port: database.port,
    user: 'postgres',
    database: 'authdb',
    ...options,
  });
  made.on('error', () => undefined);
  await made.connect();
  open.add(made);
  return made;
}

beforeAll(async () => {
  folder = await temporaryFolder();
  const paths = localPaths(folder.path);
  const template = paths.template('test');
  const { mkdir } = await import('node:fs/promises');
  await mkdir(paths.data, { recursive: true });
  await makeTemplate(template);
  const spec = {
    database: 'authdb',
    folder: paths.database('authdb'),
    template,
    owner: 'auth_owner',
    admins: ['postgres', 'boss'],
    roles: [],
    extensions: ['vector', 'uuid-ossp', 'pgcrypto', 'pg_trgm', 'citext', 'hstore', 'nonesuch'],
    port: 0,
    idleInTransaction: 1000,
  };
  database = await startDatabase(spec, (error) => {
    throw error;
  });
  const admin = await client();
  await admin.query(
    'CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL); CREATE TABLE note (id serial, text text)',
  );
});

afterEach(async () => {
  for (const one of open) await one.end().catch(() => undefined);
  open.clear();
});

afterAll(async () => {
  await database?.close(5000);
  await folder?.remove();
});

describe('connections that share the one session', () => {
  test('parameterised queries of ten clients at once each get their own answer', async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => client()));
    const wrong: string[] = [];
    await Promise.all(
      clients.map(async (one, index) => {
        for (let round = 0; round < 50; round += 1) {
          const text = round % 2 === 0 ? 'SELECT $1::int AS a, $2::text AS b' : 'SELECT $2::text AS b, $1::int AS a';
          const { rows } = await one.query<{ a: number; b: string }>(text, [index, `${index}/${round}`]);
          if (rows[0]?.a !== index || rows[0].b !== `${index}/${round}`) wrong.push(JSON.stringify(rows));
        }
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('transactions of ten clients at once are each whole, none seeing into another', async () => {
    const admin = await client();
    await admin.query('DELETE FROM counter; INSERT INTO counter VALUES (1, 0)');
    const clients = await Promise.all(Array.from({ length: 10 }, () => client()));
    await Promise.all(
      clients.map(async (one) => {
        for (let round = 0; round < 10; round += 1) {
          await one.query('BEGIN');
          const { rows } = await one.query<{ n: number }>('SELECT n FROM counter WHERE id = $1', [1]);
          await one.query('UPDATE counter SET n = $1 WHERE id = 1', [(rows[0]?.n ?? 0) + 1]);
          await one.query(round % 2 === 0 ? 'COMMIT' : 'ROLLBACK');
        }
      }),
    );
    expect((await admin.query('SELECT n FROM counter')).rows).toEqual([{ n: 50 }]);
  });

  test('prepared statements of one name in two connections stay apart, and go with their connection', async () => {
    const [one, two] = [await client(), await client()];
    const add = { name: 's', text: 'SELECT $1::int + 1 AS x' };
    const echo = { name: 's', text: 'SELECT $1::text AS x' };
    await one.query({ ...add, values: [1] });
    await two.query({ ...echo, values: ['a'] });
    expect((await one.query({ ...add, values: [41] })).rows).toEqual([{ x: 42 }]);
    expect((await two.query({ ...echo, values: ['b'] })).rows).toEqual([{ x: 'b' }]);
    await two.end();
    await until('the statement is gone', async () => {
      const { rows } = await one.query<{ n: number }>('SELECT count(*)::int AS n FROM pg_prepared_statements');
      return rows[0]?.n === 1;
    });
  });

  test('settings and roles of a connection are its own', async () => {
    const state =
      "SELECT current_user AS u, current_setting('search_path') AS p, current_setting('statement_timeout') AS t";
    const one = await client({ options: '-c search_path=pg_catalog -c statement_timeout=5s' });
    const two = await client({ user: 'auth_owner' });
    expect((await one.query(state)).rows).toEqual([{ u: 'postgres', p: 'pg_catalog', t: '5s' }]);
    expect((await two.query(state)).rows).toEqual([{ u: 'auth_owner', p: '"$user", public', t: '0' }]);
    await one.query('SET search_path = a, "b c"; SET ROLE auth_owner');
    await two.query("SELECT set_config('statement_timeout', '7s', false)");
    expect((await one.query(state)).rows).toEqual([{ u: 'auth_owner', p: 'a, "b c"', t: '5s' }]);
    expect((await two.query(state)).rows).toEqual([{ u: 'auth_owner', p: '"$user", public', t: '7s' }]);
    expect((await (await client()).query(state)).rows).toEqual([{ u: 'postgres', p: '"$user", public', t: '0' }]);
  });

  test('each connection has a process id of its own', async () => {
    const pids = (await Promise.all([client(), client()])).map(
      (one) => (one as unknown as { processID: number }).processID,
    );
    expect(new Set(pids).size).toBe(2);
  });

  test('the transaction of a client that vanishes is rolled back, and the others go on', async () => {
    const [gone, other] = [await client(), await client()];
    await gone.query('BEGIN');
    await gone.query("INSERT INTO note (text) VALUES ('lost')");
    const answer = other.query('SELECT count(*)::int AS n FROM note');
    (gone as unknown as { connection: { stream: Socket } }).connection.stream.resetAndDestroy();
    expect((await answer).rows).toEqual([{ n: 0 }]);
  });

  test('a client that leaves a transaction open is ended once it holds up another', async () => {
    const [idle, other] = [await client(), await client()];
    const ended = new Promise<{ code?: string }>((resolve) => void idle.once('error', resolve));
    await idle.query('BEGIN');
    await idle.query("INSERT INTO note (text) VALUES ('idle')");
    expect((await other.query('SELECT count(*)::int AS n FROM note')).rows).toEqual([{ n: 0 }]);
    expect((await ended).code).toBe('25P03');
  });
});

describe('what the server says', () => {
  test('a failing statement, in and outside a transaction, leaves the connection in order', async () => {
    const one = await client();
    await expect(one.query('SELECT $1::int / 0', [1])).rejects.toMatchObject({ code: '22012' });
    await one.query('BEGIN');
    await expect(one.query('SELCT 1')).rejects.toMatchObject({ code: '42601', position: '1' });
    await expect(one.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
    expect((await one.query('COMMIT')).command).toBe('ROLLBACK');
    expect((await one.query('SELECT 1 AS x')).rows).toEqual([{ x: 1 }]);
  });

  test('endless recursion is an error as on a server, and the session goes on', async () => {
    const one = await client();
    await one.query(
      'CREATE FUNCTION deeper(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN deeper(n + 1); END $$',
    );
    await expect(one.query('SELECT deeper(1)')).rejects.toMatchObject({ code: '54001' });
    expect((await one.query('SELECT 1 AS x')).rows).toEqual([{ x: 1 }]);
  });

  test('notices come through', async () => {
    const one = await client();
    const texts: (string | undefined)[] = [];
    one.on('notice', (notice) => texts.push(notice.message));
    await one.query("DO $$ BEGIN RAISE NOTICE 'hello'; END $$");
    expect(texts).toEqual(['hello']);
  });

  test('a result of 50 MB and a query of 300 kB come through whole', async () => {
    const one = await client();
    const { rows } = await one.query<{ x: string }>("SELECT repeat('x', 1000) AS x FROM generate_series(1, 50000)");
    expect(rows.length).toBe(50_000);
    expect(rows.reduce((sum, { x }) => sum + x.length, 0)).toBe(50_000_000);
    expect((await one.query(`SELECT length('${'y'.repeat(300_000)}') AS n`)).rows).toEqual([{ n: 300_000 }]);
  });

  test('COPY FROM STDIN is refused with a clear error, also inside other statements and prepared', async () => {
    const one = await client();
    const refusal = { code: '0A000', message: 'COPY FROM STDIN is not available in the local runtime' };
    await expect(one.query('COPY note (text) FROM STDIN')).rejects.toMatchObject(refusal);
    await expect(one.query('SELECT 1; COPY note (text) FROM STDIN')).rejects.toMatchObject(refusal);
    await expect(one.query({ name: 'c', text: 'COPY note (text) FROM STDIN' })).rejects.toMatchObject(refusal);
    expect((await one.query('SELECT 1 AS x')).rows).toEqual([{ x: 1 }]);
  });

  test('an unknown role or database is told at login, as by a server', async () => {
    await expect(client({ user: 'nobody' })).rejects.toMatchObject({ code: '28000' });
    await expect(client({ database: 'other' })).rejects.toMatchObject({ code: '3D000' });
  });

  test('the database has its name and its owner, who is no superuser; admins are', async () => {
    const state = `SELECT current_database()::text AS d, datdba::regrole::text AS o, current_user::text AS u, rolsuper AS s
      FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = current_user`;
    expect((await (await client({ user: 'auth_owner' })).query(state)).rows).toEqual([
      { d: 'authdb', o: 'auth_owner', u: 'auth_owner', s: false },
    ]);
    expect((await (await client({ user: 'boss', database: 'postgres' })).query(state)).rows[0]).toMatchObject({
      d: 'authdb',
      s: true,
    });
  });

  test('extensions that PGlite has can be created, others are not available', async () => {
    const admin = await client();
    for (const name of ['vector', 'uuid-ossp', 'pgcrypto', 'pg_trgm', 'citext', 'hstore']) {
      await admin.query(`CREATE EXTENSION "${name}"`);
    }
    expect(
      (await admin.query("SELECT '[1,2]'::vector <-> '[1,3]' AS d, length(uuid_generate_v4()::text) AS n")).rows,
    ).toEqual([{ d: 1, n: 36 }]);
    await expect(admin.query('CREATE EXTENSION nonesuch')).rejects.toMatchObject({ code: '0A000' });
  });
});

describe('on the wire', () => {
  function int32(value: number): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  }

  async function wire(): Promise<{ socket: Socket; text(): string }> {
    const socket = connect({ host: '127.0.0.1', port: database.port });
    socket.on('error', () => undefined);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => void chunks.push(chunk));
    await new Promise((resolve) => void socket.once('connect', resolve));
    return { socket, text: () => Buffer.concat(chunks).toString('latin1') };
  }
  const login = startupPacket({ user: 'postgres', database: 'authdb' });

  test('an SSL request is declined, a cancel request dropped', async () => {
    const secure = await wire();
    secure.socket.write(Buffer.concat([int32(8), int32(80_877_103)]));
    await until('declined', () => secure.text() === 'N');
    secure.socket.write(login);
    await until('ready', () => secure.text().endsWith('Z\0\0\0\x05I'));
    secure.socket.destroy();
    const cancelling = await wire();
    const closed = new Promise((resolve) => void cancelling.socket.once('close', resolve));
    cancelling.socket.write(Buffer.concat([int32(16), int32(80_877_102), int32(1), int32(2)]));
    await closed;
  });

  test('units sent ahead are all answered, in order, however the bytes are cut', async () => {
    const { socket, text } = await wire();
    const parse = (sql: string): Buffer => message('P', '', sql, Buffer.alloc(2));
    const run = Buffer.concat([message('B', '', '', Buffer.alloc(6)), message('E', '', int32(0)), sync]);
    const bytes = Buffer.concat([
      login,
      parse("SELECT 'first'"),
      run,
      query("SELECT 'second'"),
      parse("SELECT 'third'"),
      run,
    ]);
    for (let offset = 0; offset < bytes.length; offset += 7) socket.write(bytes.subarray(offset, offset + 7));
    await until('answered', () => /first.*second.*third.*Z....I$/s.test(text()));
    socket.destroy();
  });

  test('a sequence up to a Flush keeps the session until its Sync', async () => {
    const { socket, text } = await wire();
    const flush = message('H');
    socket.write(Buffer.concat([login, message('P', '', "SELECT 'mine'", Buffer.alloc(2)), flush]));
    await until('parsed', () => text().endsWith('1\0\0\0\x04'));
    const other = client().then((one) => one.query("SELECT 'theirs' AS x"));
    socket.write(Buffer.concat([message('B', '', '', Buffer.alloc(6)), message('E', '', int32(0)), sync]));
    await until('answered', () => text().includes('mine') && text().endsWith('I'));
    expect((await other).rows).toEqual([{ x: 'theirs' }]);
    socket.destroy();
  });

  test('nonsense ends the connection with a protocol error and hurts nobody else', async () => {
    for (const bytes of [
      message('y', 'nonsense'),
      Buffer.from('Q\0\0\0\x01'),
      Buffer.from('Q\x7f\xff\xff\xff', 'latin1'),
    ]) {
      const { socket, text } = await wire();
      const closed = new Promise((resolve) => void socket.once('close', resolve));
      socket.write(Buffer.concat([login, bytes]));
      await closed;
      expect(text()).toMatch(/FATAL.*C(08P01|54000)/s);
    }
    const { socket } = await wire();
    socket.write(Buffer.concat([login, message('P', '', 'SELECT 1', Buffer.alloc(2)), Buffer.from('B\0\0')]));
    socket.resetAndDestroy();
    expect((await (await client()).query('SELECT 1 AS x')).rows).toEqual([{ x: 1 }]);
  });
});
