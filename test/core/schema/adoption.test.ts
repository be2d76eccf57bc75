import { describe, expect, it } from 'vitest';
import {
  type Comparison,
  compareForAdoption,
  foreignObjects,
  judgeAdoption,
} from '../../../src/core/schema/adoption.ts';
import type { CatalogObject } from '../../../src/core/schema/catalog.ts';
import type { Difference } from '../../../src/core/schema/diff.ts';
import { findOtherLedgers } from '../../../src/core/schema/other-ledgers.ts';
import { revisions } from '../support.ts';
import { column, object, table } from './support.ts';

const alembic = [table('public.alembic_version'), column('public.alembic_version', 'version_num')];
const knex = [
  table('audit.knex_migrations'),
  ...['id', 'name', 'batch'].map((name) => column('audit.knex_migrations', name)),
  object('sequence', 'audit.knex_migrations_id_seq', 'audit.knex_migrations'),
];

function compare(
  wanted: readonly CatalogObject[],
  found: readonly CatalogObject[],
  prerequisites: readonly string[] = [],
): readonly Difference[] {
  const ledgers = findOtherLedgers({ objects: found });
  return compareForAdoption({ objects: wanted }, { objects: found }, { ledgers, prerequisites }).differences;
}

describe('what is a difference to a database that is taken over', () => {
  it("is not another tool's ledger, with all its parts; but one that a revision makes must be as it makes it", () => {
    expect(compare([], [...alembic, ...knex])).toEqual([]);
    expect(compare(alembic, [])).toHaveLength(1);
    const own = [table('public.alembic_version'), column('public.alembic_version', 'version_num', { type: 'integer' })];
    expect(compare(own, alembic)).toMatchObject([{ what: 'changed', field: 'type' }]);
  });

  it('is not a table of such a name with other columns', () => {
    expect(compare([], [table('public.migrations'), column('public.migrations', 'what')])).toHaveLength(1);
  });

  it('is not an extension that the config asks for or that is there besides; but one that a revision makes is', () => {
    const trgm = object('extension', 'pg_trgm');
    const uuid = object('extension', '"uuid-ossp"');
    expect(compare([], [trgm])).toEqual([]);
    expect(compare([uuid], [], ['uuid-ossp'])).toEqual([]);
    expect(compare([trgm], [])).toHaveLength(1);
  });

  it('is not the order of columns', () => {
    expect(compare([table('t', { columns: 'a, b' })], [table('t', { columns: 'b, a' })])).toEqual([]);
    expect(compare([table('t', { options: 'a' })], [table('t', { options: 'b' })])).toHaveLength(1);
  });
});

describe('the judgement', () => {
  const [a, b, c] = revisions('001 -> 002 -> 003') as [never, never, never];
  const difference: Difference = { what: 'extra', object: { kind: 'table', name: 't', of: undefined } };
  const state = (applied: Comparison['applied'], distance: number): Comparison => ({
    applied,
    distance,
    differences: distance === 0 ? [] : [difference],
  });

  it('matches the furthest that is the same, and names those that it cannot be told from', () => {
    const judged = judgeAdoption([state([], 3), state([a], 0), state([a, b], 0), state([a, b, c], 2)]);
    expect(judged.match?.applied).toEqual([a, b]);
    expect(judged.alike.map(({ applied }) => applied)).toEqual([[a]]);
    expect(judged.nearest).toBe(judged.match);
  });

  it('otherwise gives the one with the least distance, the furthest of them', () => {
    const judged = judgeAdoption([state([], 9), state([a], 2), state([a, b], 2), state([a, b, c], 4)]);
    expect(judged.match).toBeUndefined();
    expect(judged.nearest.applied).toEqual([a, b]);
  });
});

it('objects of others are those that stand by themselves and have another owner', () => {
  const mine = table('public.mine');
  const theirs = object('view', 'public.theirs', undefined, {}, 'postgres');
  const part = object('sequence', 'public.s', 'public.mine', {}, 'postgres');
  const extension = object('extension', 'pg_trgm', undefined, {}, 'postgres');
  expect(foreignObjects({ objects: [mine, theirs, part, extension] }, 'owner')).toEqual([theirs]);
});
