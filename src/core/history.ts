import type { Verdict } from './failure.ts';
import type { LedgerRow } from './observed.ts';
import type { RevisionText } from './revision.ts';
import { ancestorsOf, type RevisionGraph } from './revision-graph.ts';
import { readStatements } from './sql/script.ts';

/**
 * Holds the ledger against the revision files.
 * `changed`: applied, but the file's text is another now; `missing`: applied, but there is no such file (unless that was
 * accepted); `out-of-order`: not applied, although a revision built on it is.
 */
export function judgeHistory(graph: RevisionGraph, rows: readonly LedgerRow[]): readonly Verdict[] {
  const applied = new Map(rows.filter((row) => row.kind === 'revision').map((row) => [row.name, row]));
  const verdicts: Verdict[] = [];
  for (const row of applied.values()) {
    const revision = graph.byName.get(row.name);
    if (revision === undefined) {
      if (!row.fileGone) verdicts.push({ kind: 'missing', revision: row.name, appliedAt: row.appliedAt });
    } else if (revision.up.checksum !== row.checksum && !isOnlyUndoneChanged(revision.up, row)) {
      const { file, checksum } = revision.up;
      const begun = row.state === 'started' ? { statementsDone: row.statementsDone } : {};
      verdicts.push({ kind: 'changed', revision: row.name, file, recorded: row.checksum, found: checksum, ...begun });
    }
  }
  return [...verdicts, ...outOfOrder(graph, new Set(applied.keys()))];
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

/** Each unapplied revision below an applied one, with an applied one that is built on it. */
function outOfOrder(graph: RevisionGraph, applied: ReadonlySet<string>): readonly Verdict[] {
  const below = ancestorsOf(graph, applied);
  const above = new Map<string, string>();
  const verdicts: Verdict[] = [];
  for (const { name, up } of graph.ordered.toReversed()) {
    if (applied.has(name) || !below.has(name)) continue;
    const children = graph.children.get(name) ?? [];
    const head =
      children.find((child) => applied.has(child)) ?? children.map((child) => above.get(child)).find(Boolean);
    above.set(name, head ?? name);
    verdicts.push({ kind: 'out-of-order', revision: name, file: up.file, head: head ?? name });
  }
  return verdicts.toReversed();
}

/** Names of the applied revisions that no other applied revision has as a parent, in the order they were applied. */
export function appliedHeads(
  rows: readonly Pick<LedgerRow, 'kind' | 'state' | 'name' | 'parents'>[],
): readonly string[] {
  const applied = rows.filter((row) => row.kind === 'revision' && row.state === 'applied');
  const parents = new Set(applied.flatMap((row) => row.parents));
  return applied.map((row) => row.name).filter((name) => !parents.has(name));
}

/** Names of the applied revisions: what relative names count from. */
export function appliedNames(rows: readonly LedgerRow[]): ReadonlySet<string> {
  return new Set(rows.flatMap(({ kind, state, name }) => (kind === 'revision' && state === 'applied' ? [name] : [])));
}

/** The ledger as one short text: equal texts mean that nobody applied, reverted or accepted anything in between. */
export function ledgerFingerprint(rows: readonly LedgerRow[] | undefined): string {
  if (rows === undefined) return 'none';
  return rows.map((row) => `${row.name}=${row.state}:${progressOf(row)}${row.fileGone ? ':gone' : ''}`).join(' ');
}

function progressOf({ statementsDone, announced }: LedgerRow): string {
  return announced === undefined ? `${statementsDone}` : `${statementsDone}(${announced})`;
}
