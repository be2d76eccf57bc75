import type { Verdict } from './failure.ts';
import type { LedgerRow } from './observed.ts';
import type { RevisionText } from './revision.ts';
import { ancestorsOf, type RevisionGraph } from './revision-graph.ts';
import { readStatements } from './sql/script.ts';

/**
 * Holds the ledger against the revision files.
 * `changed`: applied, but the file's text is another now; `missing`: applied, but there is no such file;
 * `out-of-order`: not applied, although a revision built on it is.
 */
export function judgeHistory(graph: RevisionGraph, rows: readonly LedgerRow[]): readonly Verdict[] {
  const applied = new Map(rows.filter((row) => row.kind === 'revision').map((row) => [row.name, row]));
  const verdicts: Verdict[] = [];
  for (const row of applied.values()) {
    const revision = graph.byName.get(row.name);
    if (revision === undefined) {
      verdicts.push({ kind: 'missing', revision: row.name, appliedAt: row.appliedAt });
    } else if (revision.up.checksum !== row.checksum && !isOnlyUndoneChanged(revision.up, row)) {
      const { file, checksum } = revision.up;
      const begun = row.state === 'started' ? { statementsDone: row.statementsDone } : {};
      verdicts.push({ kind: 'changed', revision: row.name, file, recorded: row.checksum, found: checksum, ...begun });
    }
  }
  return [...verdicts, ...outOfOrder(graph, [...applied.keys()])];
}

/**
 * True for a revision that stopped half way, outside a transaction, and whose text differs only behind the statements
 * that are done: what made it fail is often a fault of the text, which then has to be mended.
 */
function isOnlyUndoneChanged(text: RevisionText, row: LedgerRow): boolean {
  if (row.state !== 'started' || text.language !== 'sql') return false;
  if (row.statementsDone === 0) return true;
  if (row.begunText === undefined) return false;
  const begun = textsDone(row.begunText, row.statementsDone);
  const now = textsDone(text.text, row.statementsDone);
  return now.length === row.statementsDone && now.every((statement, index) => statement === begun[index]);
}

function textsDone(text: string, done: number): readonly string[] {
  return readStatements(text)
    .slice(0, done)
    .map(({ start, end }) => text.slice(start, end));
}

function outOfOrder(graph: RevisionGraph, applied: readonly string[]): readonly Verdict[] {
  const known = applied.filter((name) => graph.byName.has(name));
  const below = ancestorsOf(graph, known);
  const head = known[known.length - 1] ?? '';
  const skipped = graph.ordered.filter((revision) => below.has(revision.name) && !known.includes(revision.name));
  return skipped.map((revision) => ({ kind: 'out-of-order', revision: revision.name, file: revision.up.file, head }));
}

/** Names of the applied revisions that no other applied revision has as a parent, in the order they were applied. */
export function appliedHeads(
  rows: readonly Pick<LedgerRow, 'kind' | 'state' | 'name' | 'parents'>[],
): readonly string[] {
  const applied = rows.filter((row) => row.kind === 'revision' && row.state === 'applied');
  const parents = new Set(applied.flatMap((row) => row.parents));
  return applied.map((row) => row.name).filter((name) => !parents.has(name));
}

/** The ledger as one short text: equal texts mean that nobody applied anything in between. */
export function ledgerFingerprint(rows: readonly LedgerRow[] | undefined): string {
  if (rows === undefined) return 'none';
  return rows.map((row) => `${row.name}=${row.state}:${row.statementsDone}`).join(' ');
}
