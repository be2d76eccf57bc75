import type { DivergedHead, Failure, Verdict } from './failure.ts';
import type { Fault } from './fault.ts';
import { judgeHistory } from './history.ts';
import type { LedgerRow } from './observed.ts';
import type { Revision } from './revision.ts';
import type { RevisionGraph } from './revision-graph.ts';

/** Something that `check` lists. */
export type Finding =
  | Verdict
  /** The down file of an applied revision is another now, or there is one more or less: a downgrade takes the recorded one. */
  | {
      readonly kind: 'down-changed';
      readonly revision: string;
      readonly file: string;
      /** Checksums; undefined: there was, or is, none. */
      readonly recorded: string | undefined;
      readonly found: string | undefined;
    }
  /** A revision outside a transaction stopped half way. */
  | {
      readonly kind: 'interrupted';
      readonly revision: string;
      readonly direction: 'up' | 'down';
      readonly statementsDone: number;
    }
  /** The database is not at its heads. */
  | {
      readonly kind: 'behind';
      readonly why: 'pending' | 'no-ledger' | 'no-database';
      /** Names of revisions, parents first. */
      readonly pending: readonly string[];
      /** Names of seeds. */
      readonly seeds: readonly string[];
    }
  /** Plain numbers that no file has, between two that follow each other. */
  | {
      readonly kind: 'gap';
      /** The lowest and the highest of them, written as wide as their neighbours. */
      readonly first: string;
      readonly last: string;
      readonly below: string;
      readonly above: string;
    }
  | { readonly kind: 'diverged'; readonly heads: readonly DivergedHead[] }
  /** A file that cannot be read, or that must not run as it is. */
  | { readonly kind: 'invalid'; readonly fault: Fault }
  /** What `migrate` would refuse for another reason. */
  | { readonly kind: 'refused'; readonly failure: Failure };

/** What a service's database was found to hold. */
export interface FoundDatabase {
  readonly exists: boolean;
  /** Undefined: it has no ledger. */
  readonly rows: readonly LedgerRow[] | undefined;
}

/**
 * Holds a service's files against its database.
 * `seeds`: those that the environment takes.
 * @returns what is wrong with the files themselves first, then what is wrong with the history, then what is to be done
 */
export function findFindings(
  { graph, seeds }: { readonly graph: RevisionGraph; readonly seeds: readonly Revision[] },
  { exists, rows }: FoundDatabase,
): readonly Finding[] {
  const known = rows ?? [];
  const verdicts = judgeHistory(graph, known);
  return [
    ...findGaps(graph, known),
    ...findDiverged(graph),
    ...verdicts,
    ...findChangedDowns(graph, known, verdicts),
    ...findInterrupted(known),
    ...findBehind({ graph, seeds }, { exists, rows }, verdicts),
  ];
}

/** Numbers with as many digits are dates or times, and are not expected to follow each other. */
const DATED = 8;

/**
 * Gaps between plain numbers; a number that the ledger has is none. Below the lowest there is no gap: a history may have
 * been cut off there.
 */
function findGaps(graph: RevisionGraph, rows: readonly LedgerRow[]): readonly Finding[] {
  const recorded = rows.filter(({ kind, name }) => kind === 'revision' && !graph.byName.has(name));
  const numbered = [...graph.ordered, ...recorded]
    .filter(({ id }) => /^\d+$/.test(id) && id.length < DATED)
    .map(({ id, name }) => ({ id, name, number: Number(id) }))
    .sort((left, right) => left.number - right.number);
  return numbered.flatMap((above, at): readonly Finding[] => {
    const below = numbered[at - 1];
    if (below === undefined || above.number - below.number < 2) return [];
    const written = (number: number): string => String(number).padStart(above.id.length, '0');
    const [first, last] = [written(below.number + 1), written(above.number - 1)];
    return [{ kind: 'gap', first, last, below: below.name, above: above.name }];
  });
}

function findDiverged({ heads }: RevisionGraph): readonly Finding[] {
  if (heads.length < 2) return [];
  return [
    {
      kind: 'diverged',
      heads: heads.map(({ name, up, author, created }) => ({ name, file: up.file, author, created })),
    },
  ];
}

function findChangedDowns(
  graph: RevisionGraph,
  rows: readonly LedgerRow[],
  verdicts: readonly Verdict[],
): readonly Finding[] {
  // Where the up text is another, that is what is told.
  const told = new Set(verdicts.flatMap(({ kind, revision }) => (kind === 'changed' ? [revision] : [])));
  return rows.flatMap((row): readonly Finding[] => {
    const file = row.kind === 'revision' && !told.has(row.name) ? graph.byName.get(row.name) : undefined;
    if (file === undefined || file.down?.checksum === row.downChecksum) return [];
    const path = file.down?.file ?? file.up.file;
    const [recorded, found] = [row.downChecksum, file.down?.checksum];
    return [{ kind: 'down-changed', revision: row.name, file: path, recorded, found }];
  });
}

function findInterrupted(rows: readonly LedgerRow[]): readonly Finding[] {
  return rows.flatMap(({ state, name, statementsDone }): readonly Finding[] => {
    if (state === 'applied') return [];
    const direction = state === 'reverting' ? 'down' : 'up';
    return [{ kind: 'interrupted', revision: name, direction, statementsDone }];
  });
}

function findBehind(
  { graph, seeds }: { readonly graph: RevisionGraph; readonly seeds: readonly Revision[] },
  { exists, rows }: FoundDatabase,
  verdicts: readonly Verdict[],
): readonly Finding[] {
  const late = new Set(verdicts.flatMap(({ kind, revision }) => (kind === 'out-of-order' ? [revision] : [])));
  const there = new Set((rows ?? []).map(({ kind, name }) => `${kind} ${name}`));
  const isPending = ({ kind, name }: Revision): boolean => !there.has(`${kind} ${name}`);
  const pending = graph.ordered.filter((item) => isPending(item) && !late.has(item.name)).map(({ name }) => name);
  const names = { pending, seeds: seeds.filter(isPending).map(({ name }) => name) };
  if (!exists) return [{ kind: 'behind', why: 'no-database', ...names }];
  if (names.pending.length + names.seeds.length === 0) return [];
  return [{ kind: 'behind', why: rows === undefined ? 'no-ledger' : 'pending', ...names }];
}
