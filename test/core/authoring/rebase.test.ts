import { describe, expect, it } from 'vitest';
import { editHead } from '../../../src/core/authoring/edit-head.ts';
import { parentsLineOf } from '../../../src/core/authoring/parents-line.ts';
import { findRebase, renameMoved } from '../../../src/core/authoring/rebase.ts';
import { isFailure } from '../../../src/core/failure.ts';
import type { Revision } from '../../../src/core/revision.ts';
import { buildRevisionGraph } from '../../../src/core/revision-graph.ts';
import { revisions } from '../support.ts';

const now = new Date('2026-11-20T23:50:12Z');

/** `old -> new (parents line)` of each revision that moves. */
function rebased(
  edges: string,
  name: string,
  texts: Readonly<Record<string, string>> = {},
): readonly string[] | string {
  const list = revisions(edges).map((one) => ({ ...one, up: { ...one.up, text: texts[one.name] ?? '' } }) as Revision);
  const graph = buildRevisionGraph([...list].sort((left, right) => Number(left.id) - Number(right.id)));
  const revision = graph.byName.get(name);
  if (revision === undefined) throw new Error(`no ${name}`);
  try {
    const found = findRebase('auth', graph, revision);
    if (found === undefined) return 'is the head';
    return renameMoved(graph, found, now, new Set()).map(
      ({ revision: { name: from }, to, line }) =>
        `${from} -> ${to.stem}${line === undefined ? '' : ` (${line.join(' ')})`}`,
    );
  } catch (error) {
    if (isFailure(error, 'heads-diverged')) return error.details.heads.map((head) => head.name).join(' | ');
    if (isFailure(error, 'usage-invalid')) return error.details.message;
    throw error;
  }
}

describe('a rebase', () => {
  it('puts one of two with the same number behind the other', () => {
    expect(rebased('001_a -> 002_mine, 001_a -> 002_theirs', '002_mine')).toEqual(['002_mine -> 003_mine']);
  });

  it('moves what was built on it too, in order', () => {
    const edges = '001_a -> 002_mine -> 003_more, 001_a -> 002_theirs';
    expect(rebased(edges, '002_mine')).toEqual(['002_mine -> 003_mine', '003_more -> 004_more']);
  });

  it('counts from the numbers that stay', () => {
    const edges = '001_a -> 002_theirs -> 007_later, 001_a -> 003_mine -> 009_more';
    expect(rebased(edges, '003_mine')).toEqual(['003_mine -> 008_mine', '009_more -> 009_more']);
  });

  it('writes the parents where the next lower number is another', () => {
    const edges =
      '001_a -> 005_old -> 006_end, 001_a -> 002_theirs -> 006_join, 006_end -> 006_join, 001_a -> 003_mine';
    expect(rebased(edges, '003_mine')).toEqual(['003_mine -> 007_mine (006_join)']);
  });

  it('keeps a merge within the branch a merge', () => {
    const edges = '001_a -> 002_mine -> 004_m, 002_mine -> 003_x -> 004_m, 001_a -> 002_theirs';
    expect(rebased(edges, '002_mine')).toEqual([
      '002_mine -> 003_mine',
      '003_x -> 004_x',
      '004_m -> 005_m (003_mine 004_x)',
    ]);
  });

  it('puts a revision that came in below the head behind it, alone', () => {
    expect(rebased('001_a -> 002_late -> 003_b -> 004_c', '002_late')).toEqual(['002_late -> 005_late']);
  });

  it('does not part a revision from one that says it was built on it', () => {
    const texts = { '003_b': '-- orch: parents 002_late\n' };
    expect(rebased('001_a -> 002_late -> 003_b', '002_late', texts)).toContain("002_late can't go behind 003_b");
  });

  it('leaves the head alone', () => {
    expect(rebased('001_a -> 002_b', '002_b')).toBe('is the head');
  });

  it('asks which head where there are two to go behind', () => {
    expect(rebased('001_a -> 002_b, 001_a -> 002_c, 001_a -> 002_d', '002_b')).toBe('002_c | 002_d');
  });
});

describe('the parents line of a new revision', () => {
  const line = (edges: string, parents: readonly string[]): readonly string[] | undefined => {
    const list = revisions(edges);
    return parentsLineOf(
      list,
      list.filter(({ name }) => parents.includes(name)),
    );
  };

  it('is left out where the next lower number is the parent', () => {
    expect(line('001_a -> 002_b', ['002_b'])).toBeUndefined();
    expect(parentsLineOf([], [])).toBeUndefined();
  });

  it('names any other parents', () => {
    expect(line('001_a -> 002_b', ['001_a'])).toEqual(['001_a']);
    expect(line('001_a -> 002_b, 001_a -> 002_c', ['002_b', '002_c'])).toEqual(['002_b', '002_c']);
    expect(line('001_a -> 002_b', [])).toEqual([]);
  });

  it('names a parent whose name has a space by its number', () => {
    expect(line('001_a b, 002_c', ['001_a b'])).toEqual(['001']);
    expect(() => line('001_a b, 001_c', ['001_a b'])).toThrow(expect.objectContaining({ code: 'usage-invalid' }));
  });
});

describe('the head of a renamed file', () => {
  const renamed = new Map([['002_mine', '003_mine']]);
  const edit = (text: string, parents?: readonly string[]): string => editHead(text, '--', { parents, renamed });

  it('gets a parents line behind its message', () => {
    expect(edit('-- orch: message x\nSELECT 1;\n', ['002_b'])).toBe(
      '-- orch: message x\n-- orch: parents 002_b\nSELECT 1;\n',
    );
    expect(edit('SELECT 1;\n', ['002_b'])).toBe('-- orch: parents 002_b\nSELECT 1;\n');
    expect(edit('-- orch: message x', ['002_b'])).toBe('-- orch: message x\n-- orch: parents 002_b');
  });

  it('has its parents line changed or taken out', () => {
    expect(edit('--orch: parents 001\nSELECT 1;\n', ['a', 'b'])).toBe('-- orch: parents a b\nSELECT 1;\n');
    expect(edit('-- orch: message x\n  -- orch: parents 001\nSELECT 1;\n')).toBe('-- orch: message x\nSELECT 1;\n');
  });

  it('keeps line ends and everything else as they are', () => {
    expect(edit('-- orch: message x\r\n-- orch: parents 001\r\nSELECT 1;  \r\n', ['b'])).toBe(
      '-- orch: message x\r\n-- orch: parents b\r\nSELECT 1;  \r\n',
    );
    expect(edit('-- orch: message x\r\nSELECT 1;', ['b'])).toBe(
      '-- orch: message x\r\n-- orch: parents b\r\nSELECT 1;',
    );
  });

  it('has the new names in its message, as whole words only', () => {
    expect(edit('-- orch: message merge 002_mine and 002_mine_too\n')).toBe(
      '-- orch: message merge 003_mine and 002_mine_too\n',
    );
  });
});
