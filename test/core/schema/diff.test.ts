import { describe, expect, it } from 'vitest';
import type { CatalogObject } from '../../../src/core/schema/catalog.ts';
import { diffCatalogs, diffEvery } from '../../../src/core/schema/diff.ts';
import { column, object, table } from './support.ts';

const diff = (wanted: readonly CatalogObject[], found: readonly CatalogObject[]) =>
  diffCatalogs({ objects: wanted }, { objects: found });

describe('the difference of two catalogs', () => {
  const users = [table('public.users'), column('public.users', 'id'), column('public.users', 'email')];

  it('is empty for equal ones, in whatever order, and whoever owns what', () => {
    const other = users.map((one) => ({ ...one, owner: 'other' })).reverse();
    expect(diff(users, other)).toEqual([]);
  });

  it('names a field that is another, is left out, or was added, with both values', () => {
    const wanted = [column('t', 'a', { type: 'text', default: "'x'" })];
    const found = [column('t', 'a', { type: 'integer', nullable: 'no' })];
    const named = { kind: 'column', name: 'a', of: 't' };
    expect(diff(wanted, found)).toEqual([
      { what: 'changed', object: named, field: 'default', wanted: "'x'", found: undefined },
      { what: 'changed', object: named, field: 'nullable', wanted: undefined, found: 'no' },
      { what: 'changed', object: named, field: 'type', wanted: 'text', found: 'integer' },
    ]);
  });

  it('tells a missing or an extra table without its parts; how far apart they are counts them', () => {
    const named = { kind: 'table', name: 'public.users', of: undefined };
    expect(diff(users, [])).toEqual([{ what: 'missing', object: named }]);
    expect(diff([], users)).toEqual([{ what: 'extra', object: named }]);
    expect(diffEvery({ objects: [] }, { objects: users })).toHaveLength(3);
  });

  it('tells parts of a table that both have', () => {
    expect(diff(users, users.slice(0, 2))).toEqual([
      { what: 'missing', object: { kind: 'column', name: 'email', of: 'public.users' } },
    ]);
  });

  it('takes objects of one name, but of another kind or table, for different ones', () => {
    const wanted = [...users, object('index', 'x', 'public.users')];
    const found = [...users, object('constraint', 'x', 'public.users')];
    expect(diff(wanted, found).map(({ what, object: { kind } }) => `${what} ${kind}`)).toEqual([
      'extra constraint',
      'missing index',
    ]);
    expect(diff([column('a', 'x')], [column('b', 'x')])).toHaveLength(2);
    expect(diff([table('v')], [object('view', 'v')]).map(({ what }) => what)).toEqual(['missing', 'extra']);
  });

  it('is sorted by object, a table before its parts', () => {
    const wanted = [table('b'), column('a', 'z'), object('function', 'c()')];
    const found = [column('a', 'y'), table('a')];
    expect(diff(wanted, found).map(({ object: { of, name } }) => `${of ?? ''}/${name}`)).toEqual([
      '/a',
      'a/z',
      '/b',
      '/c()',
    ]);
  });
});
