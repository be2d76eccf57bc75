import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { introspection } from '../../src/adapters/postgres/introspect.ts';
import type { Catalog } from '../../src/core/schema/catalog.ts';
import { diffEvery } from '../../src/core/schema/diff.ts';
import { planChange } from '../../src/core/schema/operations.ts';
import { formatChange } from '../../src/core/schema/sql.ts';
import type { Session } from '../../src/ports/database.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { createDatabase, ownerLocation, runAsAdmin } from '../support/test-database.ts';
import { randomSchema, seededRandom } from './random-schema.ts';
import { schemaCases } from './schema-cases.ts';

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(() => postgres?.stop());

/** A database that these statements have made, as its owner; `extension` is made by the admin before. */
async function make(
  sql: string,
  extension?: string,
): Promise<{ session: Session; catalog(): Promise<Catalog>; drop(): Promise<void> }> {
  const service = await createDatabase(postgres);
  if (extension !== undefined) await runAsAdmin(postgres, `CREATE EXTENSION ${extension}`, service.database);
  const session = await new PostgresDatabase({ run: randomUUID() }).connect(ownerLocation(service), 'worker');
  await session.run(sql);
  return {
    session,
    catalog: () => introspection.catalog(session),
    async drop() {
      await session.close();
      await runAsAdmin(postgres, `DROP DATABASE "${service.database}" WITH (FORCE)`);
      await runAsAdmin(postgres, `DROP ROLE "${service.owner.role}"`);
    },
  };
}

/** Without the order of columns. */
function differences(wanted: Catalog, found: Catalog): readonly string[] {
  return diffEvery(wanted, found).flatMap((one) => {
    if (one.what === 'changed' && one.field === 'columns') return [];
    const { kind, of, name } = one.object;
    return [
      `${one.what} ${kind} ${of ?? ''} ${name} ${'field' in one ? `${one.field}: ${one.found} -> ${one.wanted}` : ''}`,
    ];
  });
}

/** Goes from one schema to the other and back, each way in a transaction; gives what is left and what the up was. */
async function thereAndBack(
  before: string,
  wanted: string,
  extension?: string,
): Promise<{ readonly up: string; readonly down: string; readonly left: readonly string[] }> {
  const [here, there] = [await make(before, extension), await make(wanted, extension)];
  try {
    const [from, to] = [await here.catalog(), await there.catalog()];
    const [up, down] = [formatChange(planChange(from, to)), formatChange(planChange(to, from))];
    await attempt(here.session, 'up', up, down);
    const afterUp = differences(to, await here.catalog());
    await attempt(here.session, 'down', down, up);
    return { up, down, left: [...afterUp, ...differences(from, await here.catalog())] };
  } finally {
    await here.drop();
    await there.drop();
  }
}

async function attempt(session: Session, way: string, sql: string, other: string): Promise<void> {
  try {
    // In one transaction, as a revision.
    await session.run(`BEGIN;\n${sql}\n;COMMIT`);
  } catch (error) {
    throw new Error(`${way}: ${String(error)}\n${sql}\n-- the other way:\n${other}`, { cause: error });
  }
}

describe('the statements from one schema to another, and back', () => {
  test.for(schemaCases)('$name', async ({ before, wanted, says = [] }) => {
    const { up, down, left } = await thereAndBack(before, wanted);
    expect(left, `${up}\n-- down\n${down}`).toEqual([]);
    for (const part of says) expect(up).toContain(part);
  });

  test('a column of an extension’s type, such as vector(3)', async ({ skip }) => {
    if (!postgres.hasVector) skip('this PostgreSQL has no pgvector');
    const { up, left } = await thereAndBack(
      'CREATE TABLE t (id int, e vector(3));',
      'CREATE TABLE t (id int, e vector(4), f vector(3)); CREATE INDEX ON t USING hnsw (f vector_l2_ops);',
      'vector',
    );
    expect(left).toEqual([]);
    expect(up).toContain('ADD COLUMN f public.vector(3)');
  });

  const first = Number(process.env.ORCH_TEST_SEED ?? 1);
  test.for(Array.from({ length: 8 }, (_, at) => first + at))('random schemas of the seed %i', async (seed) => {
    const random = seededRandom(seed);
    const [before, wanted] = [randomSchema(random), randomSchema(random)];
    const { up, down, left } = await thereAndBack(before, wanted);
    expect(left, `${before}\n-- wanted\n${wanted}\n-- up\n${up}\n-- down\n${down}`).toEqual([]);
  });
});
