import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { uuid_ossp } from '@electric-sql/pglite/contrib/uuid_ossp';
import { vector } from '@electric-sql/pglite-pgvector';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addRoutes as addAdminRoutes } from '../../services/api-admin/src/routes.ts';
import { NEEDED_REVISION } from '../../services/api-auth/src/needed-revision.ts';
import { addRoutes as addAuthRoutes } from '../../services/api-auth/src/routes.ts';
import type { Caller } from '../../services/kit/caller.ts';
import type { Database } from '../../services/kit/database.ts';
import { type App, createApp } from '../../services/kit/http.ts';

const services = join(import.meta.dirname, '../../services');
const admin: Caller = { id: '6f1b2c1e-0c7a-4f3e-9b61-2f0d1f6a0009', email: 'admin@example.org', roles: ['admin'] };

async function openMigrated(service: string): Promise<{ database: Database; pglite: PGlite }> {
  const pglite = await PGlite.create({ extensions: { uuid_ossp, vector } });
  const folder = join(services, service, 'revisions');
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.up.sql')).sort()) {
    await pglite.exec(await readFile(join(folder, file), 'utf8'));
  }
  const query: Database['query'] = async <R>(sql: string, parameters: readonly unknown[] = []) => {
    try {
      return (await pglite.query<R>(sql, [...parameters])).rows;
    } catch (error) {
      // What the driver throws where the server refuses: the same SQLSTATE in a class of its own.
      const { message, code } = error as Error & { code: string };
      throw Object.assign(new pg.DatabaseError(message, message.length, 'error'), { code });
    }
  };
  return { pglite, database: { name: 'testdb', query, close: () => pglite.close() } };
}

async function send(app: App, method: string, path: string, body?: unknown, token = 'any') {
  const response = await app.request(path, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

describe('api-auth', () => {
  let app: App;
  let pglite: PGlite;
  let database: Database;
  beforeAll(async () => {
    ({ database, pglite } = await openMigrated('api-auth'));
    app = createApp({ name: 'api-auth', needs: NEEDED_REVISION, maxBody: 1000 }, database, () => {});
    addAuthRoutes(app, database);
  }, 60_000);
  afterAll(() => pglite.close());

  it('is not ready without a ledger, behind its revision, or without its database, and ready from it on', async () => {
    const health = async () => {
      const { status, body } = await send(app, 'GET', '/health');
      return [status, body.status, body.revision, body.reason];
    };
    expect(await health()).toEqual([503, 'not ready', null, 'no revision is applied']);
    await pglite.exec('CREATE SCHEMA orch; CREATE TABLE orch.heads (name text, id text)');
    expect(await health()).toEqual([503, 'not ready', null, 'no revision is applied']);
    await pglite.exec("INSERT INTO orch.heads VALUES ('002_roles', '002')");
    expect(await health()).toEqual([503, 'not ready', '002_roles', 'the schema is behind']);
    await pglite.exec("UPDATE orch.heads SET name = '003_sessions', id = '003'");
    expect(await health()).toEqual([200, 'ready', '003_sessions', undefined]);
    await pglite.exec("UPDATE orch.heads SET name = '010_later', id = '010'");
    expect(await health()).toEqual([200, 'ready', '010_later', undefined]);

    const broken = createApp(
      { name: 'api-auth', needs: NEEDED_REVISION, maxBody: 1000 },
      { ...database, query: () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })) },
      () => {},
    );
    expect(await send(broken, 'GET', '/health')).toMatchObject({
      status: 503,
      body: { service: 'api-auth', database: 'testdb', reason: 'the database is unreachable' },
    });
  });

  it('registers a user once, logs in with the password alone, and forgets the token at log-out', async () => {
    const user = { email: 'Ada@Example.org', password: 'a long enough password' };
    expect(await send(app, 'POST', '/users', user)).toMatchObject({ status: 201, body: { email: 'ada@example.org' } });
    expect(await send(app, 'POST', '/users', user)).toMatchObject({ status: 409 });
    expect(await send(app, 'POST', '/sessions', { ...user, password: 'another password' })).toMatchObject({
      status: 401,
    });
    expect(await send(app, 'POST', '/sessions', { ...user, email: 'b@example.org' })).toMatchObject({ status: 401 });

    const { token } = (await send(app, 'POST', '/sessions', user)).body;
    const current = () => send(app, 'GET', '/sessions/current', undefined, token);
    expect(await current()).toMatchObject({ status: 200, body: { email: 'ada@example.org', roles: ['user'] } });
    const stored = await pglite.query<{ stored: string }>(
      'SELECT (SELECT string_agg(users::text, $$$$) FROM users) || (SELECT string_agg(sessions::text, $$$$) FROM sessions) AS stored',
    );
    expect(stored.rows[0]?.stored).not.toContain(token);
    expect(stored.rows[0]?.stored).not.toContain(user.password);
    expect((await send(app, 'DELETE', '/sessions/current', undefined, token)).status).toBe(204);
    expect((await current()).status).toBe(401);
  });

  it.each([
    ['text that is no JSON', '{bad', 400],
    ['no body', undefined, 400],
    ['no fields', {}, 400],
    ['a field too many', { email: 'c@example.org', password: 'a long enough password', roles: ['admin'] }, 400],
    ['a short password', { email: 'c@example.org', password: 'short' }, 400],
    ['a body that is too large', `"${'a'.repeat(1000)}"`, 413],
  ])('answers %s with an error in JSON', async (_what, body, status) => {
    const answer = await send(app, 'POST', '/users', body);
    expect(answer).toMatchObject({ status, body: { error: expect.any(String) } });
    expect(JSON.stringify(answer.body)).not.toContain(' at ');
  });
});

describe('api-admin', () => {
  let app: App;
  let pglite: PGlite;
  beforeAll(async () => {
    const opened = await openMigrated('api-admin');
    pglite = opened.pglite;
    app = createApp({ name: 'api-admin', needs: '003', maxBody: 10_000 }, opened.database, () => {});
    addAdminRoutes(app, opened.database, async (token) =>
      token === 'admin' ? admin : token === 'user' ? { ...admin, roles: ['user'] } : undefined,
    );
  }, 60_000);
  afterAll(() => pglite.close());

  it('finds the nearest embeddings of the same dimension first', async () => {
    const path = '/collections/default/embeddings';
    for (const [document, embedding] of Object.entries({ cats: [1, 0, 0.1], dogs: [0, 1, 0.1], flat: [1, 0] })) {
      expect((await send(app, 'POST', path, { document, embedding }, 'admin')).status).toBe(201);
    }
    const found = await send(app, 'POST', '/collections/default/search', { embedding: [0.9, 0.2, 0] }, 'user');
    expect(found.body.matches.map((match: { document: string }) => match.document)).toEqual(['cats', 'dogs']);
  });

  it('lets nobody in without a token, and only admins write', async () => {
    expect((await send(app, 'GET', '/prompt-templates', undefined, 'nobody')).status).toBe(401);
    expect((await send(app, 'GET', '/prompt-templates', undefined, 'user')).body.prompt_templates).toHaveLength(2);
    expect((await send(app, 'POST', '/knowledge-bases', { name: 'Handbook' }, 'user')).status).toBe(403);
    expect((await send(app, 'POST', '/knowledge-bases', { name: 'Handbook' }, 'admin')).status).toBe(201);
  });
});
