import { describe, expect, it } from 'vitest';
import { type Finding, findFindings } from '../../src/core/findings.ts';
import type { LedgerRow } from '../../src/core/observed.ts';
import type { Revision } from '../../src/core/revision.ts';
import { buildRevisionGraph } from '../../src/core/revision-graph.ts';
import { applied, revision, revisions, row } from './support.ts';

const line = revisions('001 -> 002 -> 003');
const [first, second, third] = line as [Revision, Revision, Revision];

function findings(
  files: readonly Revision[],
  rows: readonly LedgerRow[] | undefined,
  more: { readonly seeds?: readonly Revision[]; readonly exists?: boolean } = {},
): readonly Finding[] {
  const { seeds = [], exists = true } = more;
  return findFindings({ graph: buildRevisionGraph(files), seeds }, { exists, rows });
}

describe('findings', () => {
  it('are none where the database is at its head and every file is what was applied', () => {
    expect(findings(line, applied(line))).toEqual([]);
    expect(findings([], undefined)).toEqual([]);
    expect(findings([], [])).toEqual([]);
  });

  it('say that a database is not at its head, and with which revisions and seeds', () => {
    const seed = revision('001_demo', [], { kind: 'seed' });
    expect(findings(line, applied([first]), { seeds: [seed] })).toEqual([
      { kind: 'behind', why: 'pending', pending: ['002', '003'], seeds: ['001_demo'] },
    ]);
    expect(findings(line, applied([...line, seed]), { seeds: [seed] })).toEqual([]);
  });

  it('tell a database without ledger, and one that is not there, from one that is behind', () => {
    const pending = ['001', '002', '003'];
    expect(findings(line, undefined)).toEqual([{ kind: 'behind', why: 'no-ledger', pending, seeds: [] }]);
    expect(findings(line, undefined, { exists: false })).toEqual([
      { kind: 'behind', why: 'no-database', pending, seeds: [] },
    ]);
    expect(findings([], undefined, { exists: false })).toMatchObject([{ why: 'no-database', pending: [] }]);
  });

  it('are the verdicts on applied files: changed, missing, out of order; the latter is not pending besides', () => {
    const changed = { ...first, up: { ...first.up, checksum: 'another' } };
    expect(findings([changed, second, third], applied(line))).toMatchObject([{ kind: 'changed', revision: '001' }]);
    expect(findings([first, second], applied(line))).toMatchObject([{ kind: 'missing', revision: '003' }]);
    const late = [row(first), row(third)];
    expect(findings(line, late)).toMatchObject([{ kind: 'out-of-order', revision: '002', head: '003' }]);
  });

  it('are none for a missing file that was accepted', () => {
    expect(findings([first, second], [row(first), row(second), row(third, { fileGone: true })])).toEqual([]);
  });

  it('say that a down was changed, got or lost after its revision was applied, unless the up was changed too', () => {
    const [rows, down] = [applied([first]), first.down];
    if (down === undefined) throw new TypeError('the sample has a down');
    const another = { ...first, down: { ...down, checksum: 'another' } };
    expect(findings([another], rows)).toEqual([
      { kind: 'down-changed', revision: '001', file: down.file, recorded: down.checksum, found: 'another' },
    ]);
    expect(findings([{ ...first, down: undefined }], rows)).toMatchObject([{ found: undefined, file: first.up.file }]);
    expect(findings([first], [row(first, { downChecksum: undefined })])).toMatchObject([{ recorded: undefined }]);
    expect(findings([{ ...another, up: { ...first.up, checksum: 'x' } }], rows)).toMatchObject([{ kind: 'changed' }]);
  });

  it('say which revision stopped half way, and do not count it as pending besides', () => {
    const half = row(second, { state: 'started', statementsDone: 3 });
    expect(findings([first, second], [row(first), half])).toEqual([
      { kind: 'interrupted', revision: '002', direction: 'up', statementsDone: 3 },
    ]);
    const back = row(second, { state: 'reverting', statementsDone: 1 });
    expect(findings([first, second], [row(first), back])).toMatchObject([{ direction: 'down', statementsDone: 1 }]);
  });

  it('name both heads with their files, authors and dates', () => {
    const mine = revision('002_mine', ['001'], { author: 'Ann', created: '2026-01-02' });
    const theirs = revision('002_theirs', ['001']);
    expect(findings([first, mine, theirs], applied([first, mine, theirs]))).toEqual([
      {
        kind: 'diverged',
        heads: [
          { name: '002_mine', file: mine.up.file, author: 'Ann', created: '2026-01-02' },
          { name: '002_theirs', file: theirs.up.file, author: undefined, created: undefined },
        ],
      },
    ]);
  });
});

describe('a gap in plain numbers', () => {
  const gaps = (names: readonly string[], rows: readonly LedgerRow[] = []): readonly Finding[] =>
    findings(
      names.map((name) => revision(name)),
      [...applied(names.map((name) => revision(name))), ...rows],
    ).filter(({ kind }) => kind === 'gap');

  it('is a finding that names the numbers and their neighbours', () => {
    expect(gaps(['001_a', '002_b', '004_c'])).toEqual([
      { kind: 'gap', first: '003', last: '003', below: '002_b', above: '004_c' },
    ]);
    expect(gaps(['1_a', '009_b', '20_c'])).toEqual([
      { kind: 'gap', first: '002', last: '008', below: '1_a', above: '009_b' },
      { kind: 'gap', first: '10', last: '19', below: '009_b', above: '20_c' },
    ]);
  });

  it('is none below the lowest, between dates, and for a number used twice', () => {
    expect(gaps(['010_squashed', '011_b', '011_c', '012_d'])).toEqual([]);
    expect(gaps(['20250101120000_a', '20250301120000_b'])).toEqual([]);
    expect(gaps(['20250101_a', '20250301_b'])).toEqual([]);
    expect(gaps(['000_a', '001_b'])).toEqual([]);
  });

  it('is none where the ledger has the number: then the file is missing', () => {
    const lost = row(revision('002_lost'), { fileGone: true });
    expect(gaps(['001_a', '003_c'], [lost])).toEqual([]);
  });
});
