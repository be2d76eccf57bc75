import { describe, expect, test } from 'vitest';
import { appliedHeads, judgeHistory } from '../../src/core/history.ts';
import { ancestorsOf, buildRevisionGraph } from '../../src/core/revision-graph.ts';
import { resolveTarget } from '../../src/core/revision-range.ts';
import { applied, revision, revisions, row } from './support.ts';

const names = (list: readonly { readonly name: string }[]): string => list.map(({ name }) => name).join(' ');

describe('the graph', () => {
  test('puts parents before children, whatever order the files are read in', () => {
    const shuffled = [...revisions('1 -> 2 -> 4, 1 -> 3 -> 4')].reverse();
    const order = buildRevisionGraph(shuffled).ordered.map(({ name }) => name);
    expect(order[0]).toBe('1');
    expect(order[3]).toBe('4');
  });

  test('knows its heads', () => {
    expect(names(buildRevisionGraph(revisions('1 -> 2 -> 3, 2 -> 4')).heads)).toBe('3 4');
  });

  test('finds everything below a revision', () => {
    const graph = buildRevisionGraph(revisions('1 -> 2 -> 3, 2 -> 4'));
    expect([...ancestorsOf(graph, ['4'])].sort().join(' ')).toBe('1 2 4');
  });

  test('takes a line of 10,000 revisions without running out of stack', () => {
    const line = Array.from({ length: 10_000 }, (_, index) =>
      revision(`${index}`, index === 0 ? [] : [`${index - 1}`]),
    );
    const graph = buildRevisionGraph([...line].reverse());
    expect(graph.ordered[9_999]?.name).toBe('9999');
    expect(resolveTarget({ service: 's', graph, applied: undefined }, 'head')).toHaveLength(10_000);
  });
});

describe('a target', () => {
  const graph = buildRevisionGraph(revisions('001_users -> 002_roles -> 010_logs'));

  test.each([
    ['head', '001_users 002_roles 010_logs'],
    ['base', ''],
    ['2', '001_users 002_roles'],
    ['002', '001_users 002_roles'],
    ['0010', '001_users 002_roles 010_logs'],
    ['002_roles', '001_users 002_roles'],
    ['002_r', '001_users 002_roles'],
  ])('%s names %s', (target, expected) => {
    expect(names(resolveTarget({ service: 'auth', graph, applied: undefined }, target))).toBe(expected);
  });

  test('that nobody has is a failure with the nearest name', () => {
    expect(() => resolveTarget({ service: 'auth', graph, applied: undefined }, '002_rolse')).toThrow(
      expect.objectContaining({
        code: 'revision-not-found',
        details: expect.objectContaining({ nearest: expect.arrayContaining(['002_roles']) }),
      }),
    );
  });

  test('that several have is a failure that lists them', () => {
    expect(() => resolveTarget({ service: 'auth', graph, applied: undefined }, '0')).toThrow(
      expect.objectContaining({
        code: 'revision-ambiguous',
        details: { service: 'auth', target: '0', candidates: ['001_users', '002_roles', '010_logs'] },
      }),
    );
  });

  test('head, where there are two, is a failure with both files', () => {
    const diverged = buildRevisionGraph(revisions('1 -> 2, 1 -> 3'));
    expect(() => resolveTarget({ service: 'auth', graph: diverged, applied: undefined }, 'head')).toThrow(
      expect.objectContaining({
        code: 'heads-diverged',
        details: {
          service: 'auth',
          heads: ['2', '3'].map((name) => ({
            name,
            file: `/project/${name}.up.sql`,
            author: undefined,
            created: undefined,
          })),
        },
      }),
    );
  });
});

describe('the history', () => {
  const list = revisions('1 -> 2 -> 3');
  const graph = buildRevisionGraph(list);

  test('is fine where a prefix is applied', () => {
    expect(judgeHistory(graph, applied(list.slice(0, 2)))).toEqual([]);
  });

  test('names the changed, the missing and the skipped revision', () => {
    const rows = [row(list[0] as never, { checksum: 'other' }), row(list[2] as never), row(revision('0_gone'))];
    expect(judgeHistory(graph, rows).map(({ kind, revision: name }) => `${kind} ${name}`)).toEqual([
      'changed 1',
      'missing 0_gone',
      'out-of-order 2',
    ]);
  });

  test('does not call a second branch out of order', () => {
    const branches = revisions('1 -> 2, 1 -> 3');
    expect(judgeHistory(buildRevisionGraph(branches), applied(branches.slice(0, 2)))).toEqual([]);
  });

  test('has as heads what no applied revision was built on; seeds and half-applied ones are none', () => {
    const seed = revision('1_demo', [], { kind: 'seed' });
    const rows = [...applied(list.slice(0, 2)), row(list[2] as never, { state: 'started' }), row(seed)];
    expect(appliedHeads(rows)).toEqual(['2']);
  });
});
