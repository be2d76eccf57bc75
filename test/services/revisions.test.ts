import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { uuid_ossp } from '@electric-sql/pglite/contrib/uuid_ossp';
import { vector } from '@electric-sql/pglite-pgvector';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NEEDED_REVISION as adminNeeds } from '../../services/api-admin/src/needed-revision.ts';
import { NEEDED_REVISION as authNeeds } from '../../services/api-auth/src/needed-revision.ts';
import { down, up } from '../../services/api-user/revisions/004_fill_full_name.ts';
import { NEEDED_REVISION as userNeeds } from '../../services/api-user/src/needed-revision.ts';
import { framesInTransaction } from '../../src/engine/batch-frames.ts';
import { createHandle } from '../../src/engine/revision-handle.ts';
import type { Session } from '../../src/ports/database.ts';
import type { RevisionHandle } from '../../src/ports/revision-handle.ts';

const services = join(import.meta.dirname, '../../services');
const needs = { 'api-auth': authNeeds, 'api-user': userNeeds, 'api-admin': adminNeeds };
const code: Readonly<Record<string, { up: typeof up; down: typeof down }>> = { '004_fill_full_name': { up, down } };

let database: PGlite;
const progress: string[] = [];

beforeAll(async () => {
  database = await PGlite.create({ extensions: { uuid_ossp, vector } });
  await database.exec('CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION vector');
}, 60_000);

afterAll(() => database.close());

function handle(service: string): RevisionHandle {
  const session = {
    query: async <Row>(sql: string, parameters: readonly unknown[] = []) => {
      const { rows, affectedRows } = await database.query<Row>(sql, [...parameters]);
      return { rows, command: '', rowCount: affectedRows ?? rows.length };
    },
  } as unknown as Session;
  return createHandle({
    session,
    frame: framesInTransaction(() => undefined),
    send: (_text, send) => send(),
    transaction: 'none',
    progress: (done, total) => void progress.push(`${done}/${total}`),
    config: { service, database: service, owner: 'owner', roles: [], environment: 'test', variables: {} },
    log: { info: () => undefined, warn: () => undefined },
  });
}

async function revisionNames(service: string): Promise<string[]> {
  const files = await readdir(join(services, service, 'revisions'));
  return [...new Set(files.map((file) => file.replace(/(\.up|\.down)?\.(sql|ts)$/, '')))].sort();
}

async function move(service: string, name: string, direction: 'up' | 'down'): Promise<void> {
  const functions = code[name];
  if (functions !== undefined) return functions[direction](handle(service));
  await database.exec(await readFile(join(services, service, 'revisions', `${name}.${direction}.sql`), 'utf8'));
}

/** Everything in the schema that belongs to no extension: objects, columns, constraints, triggers. */
async function objects(): Promise<string[]> {
  const { rows } = await database.query<{ object: string }>(`
    WITH own AS (
      SELECT classid, objid FROM pg_depend
      WHERE refclassid = 'pg_namespace'::regclass AND refobjid = 'public'::regnamespace
        AND classid <> 'pg_extension'::regclass
        AND NOT EXISTS (SELECT FROM pg_depend AS member
                        WHERE member.classid = pg_depend.classid AND member.objid = pg_depend.objid
                          AND member.deptype = 'e')
    )
    SELECT found.type || ' ' || found.identity AS object
    FROM own CROSS JOIN LATERAL pg_identify_object(classid, objid, 0) AS found
    UNION ALL SELECT 'column ' || attrelid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod)
    FROM pg_attribute JOIN own ON classid = 'pg_class'::regclass AND objid = attrelid
    WHERE attnum > 0 AND NOT attisdropped
    UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid)
    FROM pg_constraint JOIN own ON classid = 'pg_class'::regclass AND objid = conrelid
    UNION ALL SELECT 'trigger ' || pg_get_triggerdef(pg_trigger.oid)
    FROM pg_trigger JOIN own ON classid = 'pg_class'::regclass AND objid = tgrelid WHERE NOT tgisinternal
    ORDER BY 1`);
  return rows.map((row) => row.object);
}

describe.each(['api-auth', 'api-user', 'api-admin'] as const)('the revisions of %s', (service) => {
  it('end with the one that its code needs', async () => {
    expect((await revisionNames(service)).at(-1)).toBe(needs[service]);
  });

  it('go up, down to nothing, and up to the same again', { timeout: 60_000 }, async () => {
    const names = await revisionNames(service);
    const seen: string[][] = [];
    for (const _round of [1, 2]) {
      expect(await objects()).toEqual([]);
      for (const name of names) await move(service, name, 'up');
      seen.push(await objects());
      for (const name of names.toReversed()) await move(service, name, 'down');
    }
    expect(seen[0]?.length).toBeGreaterThan(0);
    expect(seen[1]).toEqual(seen[0]);
    expect(await objects()).toEqual([]);
  });
});

describe('the data revision of api-user', () => {
  it('fills and empties every full name in batches, telling its progress', { timeout: 60_000 }, async () => {
    const before = ['001_profiles', '002_addresses_and_preferences', '003_full_name_column'];
    for (const name of before) await move('api-user', name, 'up');
    await database.exec(`INSERT INTO profiles (user_id, email, first_name, last_name)
      SELECT gen_random_uuid(), n || '@example.org', 'First' || n, 'Last' || n FROM generate_series(1, 2500) AS n`);
    const wrong =
      "SELECT count(*)::int AS n FROM profiles WHERE full_name IS DISTINCT FROM first_name || ' ' || last_name";
    const filled = 'SELECT count(*)::int AS n FROM profiles WHERE full_name IS NOT NULL';
    progress.length = 0;

    await up(handle('api-user'));
    expect((await database.query(wrong)).rows).toEqual([{ n: 0 }]);
    await down(handle('api-user'));
    expect((await database.query(filled)).rows).toEqual([{ n: 0 }]);

    const told = ['1000/2500', '2000/2500', '2500/2500'];
    expect(progress).toEqual([...told, ...told]);
    for (const name of before.toReversed()) await move('api-user', name, 'down');
  });
});
