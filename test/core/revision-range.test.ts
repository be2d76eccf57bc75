import { describe, expect, test } from 'vitest';
import { findNearestSome } from '../../src/core/nearest.ts';
import { buildRevisionGraph, type RevisionGraph } from '../../src/core/revision-graph.ts';
import { resolveRange, resolveTarget } from '../../src/core/revision-range.ts';
import { revision, revisions } from './support.ts';

const names = (list: readonly { readonly name: string }[]): string => list.map(({ name }) => name).join(' ');
const line = buildRevisionGraph(revisions('001_a -> 002_b -> 003_c -> 004_d'));
const forked = buildRevisionGraph(revisions('001_a -> 002_b -> 003_c, 002_b -> 003_d, 003_c -> 004_m, 003_d -> 004_m'));
const open = buildRevisionGraph(revisions('001_a -> 002_b -> 003_c, 002_b -> 003_d'));

function at(graph: RevisionGraph, target: string, applied?: string): string {
  const names_ = applied === undefined ? undefined : new Set(applied.split(' ').filter((name) => name !== ''));
  return names(resolveTarget({ service: 'auth', graph, applied: names_ }, target));
}

function fault(work: () => unknown): { readonly code: string; readonly details: object } {
  try {
    work();
  } catch (error) {
    return error as { code: string; details: object };
  }
  throw new Error('nothing was thrown');
}

describe('relative names count from what is applied', () => {
  test.each([
    ['+1', '', '001_a'],
    ['+2', '001_a', '001_a 002_b 003_c'],
    ['-1', '001_a 002_b', '001_a'],
    ['-2', '001_a 002_b', ''],
    ['current', '001_a 002_b', '001_a 002_b'],
  ])('%s from "%s" is "%s"', (target, applied, expected) => {
    expect(at(line, target, applied)).toBe(expected);
  });

  test('further than there are revisions is a failure that says how many there are', () => {
    expect(fault(() => at(line, '+5', '001_a 002_b'))).toMatchObject({
      code: 'revision-out-of-range',
      details: { from: '002_b', available: 2 },
    });
    expect(fault(() => at(line, '-3', '001_a 002_b'))).toMatchObject({ details: { available: 2 } });
    expect(fault(() => at(line, '-1', ''))).toMatchObject({ details: { from: 'base', available: 0 } });
  });

  test('at a fork the candidates are named', () => {
    expect(fault(() => at(open, '+1', '001_a 002_b'))).toMatchObject({
      code: 'revision-ambiguous',
      details: { candidates: ['003_c', '003_d'] },
    });
    expect(fault(() => at(open, '-1', '001_a 002_b 003_c 003_d'))).toMatchObject({
      code: 'revision-ambiguous',
      details: { candidates: ['003_c', '003_d'] },
    });
  });

  test('one step above two heads is what both lead to; one below it both are left', () => {
    expect(at(forked, '+1', '001_a 002_b 003_c 003_d')).toBe('001_a 002_b 003_c 003_d 004_m');
    expect(at(forked, '-1', '001_a 002_b 003_c 003_d 004_m')).toBe('001_a 002_b 003_c 003_d');
    expect(at(forked, '+1', '001_a 002_b 003_c')).toBe('001_a 002_b 003_c 003_d');
  });

  test('without a database they are refused', () => {
    expect(fault(() => at(line, '+1'))).toMatchObject({ code: 'usage-invalid' });
  });
});

describe('names with a step', () => {
  test.each([
    ['002+1', '001_a 002_b 003_c'],
    ['2+2', '001_a 002_b 003_c 004_d'],
    ['004_d-1', '001_a 002_b 003_c'],
    ['001-1', ''],
    ['head-1', '001_a 002_b 003_c'],
    ['base+1', '001_a'],
  ])('%s is "%s"', (target, expected) => {
    expect(at(line, target)).toBe(expected);
  });

  test('a name that looks like one goes first', () => {
    const graph = buildRevisionGraph([revision('1-first'), revision('1-2nd', ['1-first'])]);
    expect(at(graph, '1-first')).toBe('1-first');
    expect(at(graph, '1-2')).toBe('1-first 1-2nd');
  });

  test('forks and ends are failures', () => {
    expect(fault(() => at(forked, '002+1'))).toMatchObject({ details: { candidates: ['003_c', '003_d'] } });
    expect(fault(() => at(forked, '004-1'))).toMatchObject({ details: { candidates: ['003_c', '003_d'] } });
    expect(fault(() => at(line, '002-3'))).toMatchObject({ code: 'revision-out-of-range', details: { available: 2 } });
    expect(fault(() => at(line, '003+2'))).toMatchObject({ code: 'revision-out-of-range', details: { available: 1 } });
  });
});

describe('branches', () => {
  const labelled = buildRevisionGraph([
    revision('001_a'),
    revision('002_b', ['001_a'], { labels: ['billing'] }),
    revision('002_c', ['001_a']),
    revision('003_d', ['002_b']),
  ]);

  test('label@head is the head above the revision with the label; a name serves as well', () => {
    expect(at(labelled, 'billing@head')).toBe('001_a 002_b 003_d');
    expect(at(labelled, '002_c@head')).toBe('001_a 002_c');
  });

  test('heads are all of them', () => {
    expect(at(labelled, 'heads')).toBe('001_a 002_b 002_c 003_d');
  });

  test('a label with two heads, or unknown, is a failure with the candidates', () => {
    expect(fault(() => at(labelled, '001_a@head'))).toMatchObject({ details: { candidates: ['002_c', '003_d'] } });
    expect(fault(() => at(labelled, 'biling@head'))).toMatchObject({
      code: 'revision-not-found',
      details: { nearest: ['billing@head'] },
    });
  });

  test('two files with one number are named by their full names, or by the names of their files', () => {
    expect(fault(() => at(labelled, '002'))).toMatchObject({
      code: 'revision-ambiguous',
      details: { candidates: ['002_b', '002_c'] },
    });
    expect(at(labelled, '002_c.up.sql')).toBe('001_a 002_c');
  });
});

describe('a range', () => {
  const range = (graph: RevisionGraph, text: string): string => {
    const { below, between, shown } = resolveRange({ service: 'auth', graph, applied: new Set(['001_a']) }, text);
    return [below, between, shown].map(names).join(' | ');
  };

  test.each([
    ['001:003', '001_a | 002_b 003_c | 001_a 002_b 003_c'],
    ['base:2', ' | 001_a 002_b | 001_a 002_b'],
    [':2', ' | 001_a 002_b | 001_a 002_b'],
    ['3:', '001_a 002_b 003_c | 004_d | 003_c 004_d'],
    ['2', ' | 001_a 002_b | 001_a 002_b'],
    ['current:head', '001_a | 002_b 003_c 004_d | 001_a 002_b 003_c 004_d'],
    ['current:+1', '001_a | 002_b | 001_a 002_b'],
    ['2:2', '001_a 002_b |  | 002_b'],
  ])('%s is what the lower end holds, what is between, and what is shown', (text, expected) => {
    expect(range(line, text)).toBe(expected);
  });

  test('between two branches takes both ways', () => {
    expect(range(forked, '002:')).toBe('001_a 002_b | 003_c 003_d 004_m | 002_b 003_c 003_d 004_m');
  });

  test('with its ends the wrong way round is a failure', () => {
    expect(fault(() => range(line, '3:1'))).toMatchObject({ code: 'range-invalid' });
    expect(fault(() => range(open, '003_c:003_d'))).toMatchObject({ code: 'range-invalid' });
  });
});

test('of a target with more steps than any history has, the whole is no revision', () => {
  expect(fault(() => at(line, `001${'+1'.repeat(50_000)}`))).toMatchObject({ code: 'revision-not-found' });
  expect(fault(() => at(line, `001${'-1'.repeat(50_000)}`))).toMatchObject({ code: 'revision-not-found' });
});

test('the nearest names are the most similar ones, first the first, three at most', () => {
  const known = ['001_users', '002_roles', '003_roles_audit', '004_logs'];
  expect(findNearestSome('002_rolse', known)[0]).toBe('002_roles');
  expect(findNearestSome('00', known)).toHaveLength(3);
  expect(findNearestSome('billing', known)).toEqual([]);
});
