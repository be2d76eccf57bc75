import { findNearest } from '../../core/nearest.ts';
import { compareNames } from './revision-name.ts';

/** A revision on its way to its place in the graph. */
export interface Unplaced {
  readonly number: bigint;
  readonly id: string;
  readonly name: string;
  /** The file's name up to its ending: what a directive may say as well. */
  readonly stem: string;
  /** What the directive says; undefined: it says nothing. */
  readonly wanted: readonly string[] | undefined;
}

export interface ParentFault {
  readonly name: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/**
 * Finds the parents of each revision: those that its directive names, else the revision of the next lower number.
 * Where that number is used twice there is no default: one of the two would silently be nobody's parent, or the two
 * branches be joined without anyone having said so.
 * @param sorted by `compareNames`
 */
export function findParents(sorted: readonly Unplaced[]): {
  readonly parents: ReadonlyMap<string, readonly string[]>;
  readonly faults: readonly ParentFault[];
} {
  const finder = new ParentFinder(sorted);
  const parents = new Map(sorted.map((revision) => [revision.name, finder.parentsOf(revision)] as const));
  if (finder.faults.length === 0) finder.refuseCycle(sorted, parents);
  return { parents, faults: finder.faults };
}

class ParentFinder {
  readonly faults: ParentFault[] = [];
  readonly #names = new Map<string, readonly Unplaced[]>();
  readonly #below = new Map<bigint, readonly Unplaced[]>();

  constructor(sorted: readonly Unplaced[]) {
    const byNumber = new Map<bigint, Unplaced[]>();
    let lower: Unplaced[] = [];
    let current: Unplaced[] = [];
    for (const revision of [...sorted].sort(compareNames)) {
      if (current[0]?.number !== revision.number) {
        lower = current;
        current = [];
        byNumber.set(revision.number, current);
      }
      current.push(revision);
      this.#below.set(revision.number, lower);
      this.#names.set(revision.name, [revision]).set(revision.stem, [revision]);
    }
    for (const [number, revisions] of byNumber) this.#names.set(`#${number}`, revisions);
  }

  parentsOf(revision: Unplaced): readonly string[] {
    if (revision.wanted === undefined) return this.#defaultOf(revision);
    const found = revision.wanted.flatMap((wanted) => this.#find(revision, wanted));
    return [...new Set(found)];
  }

  #defaultOf(revision: Unplaced): readonly string[] {
    const below = this.#below.get(revision.number) ?? [];
    // One of two with the same number may follow the other: `-- orch: parents 002_a` in 002_b.
    const tips = below.filter(
      (one) => !below.some((other) => other.wanted?.some((wanted) => wanted === one.name) === true),
    );
    if (tips.length <= 1) return tips.map(({ name }) => name);
    const names = tips.map(({ name }) => name);
    return this.#fault(
      revision,
      `its parent is not clear: ${names.join(' and ')} have the same number`,
      `give one of those another number, or write \`orch: parents ${names.join(' ')}\` at the head of this file`,
    );
  }

  #find(revision: Unplaced, wanted: string): readonly string[] {
    const found = this.#names.get(/^\d+$/.test(wanted) ? `#${BigInt(wanted)}` : wanted.normalize('NFC')) ?? [];
    const [first, second] = found;
    if (first === undefined) return this.#unknown(revision, wanted);
    if (second !== undefined) {
      const names = found.map(({ name }) => name).join(', ');
      return this.#fault(revision, `the parent ${wanted} is not clear: ${names}`, 'write the full name');
    }
    return first === revision ? this.#fault(revision, 'it cannot be its own parent', undefined) : [first.name];
  }

  #unknown(revision: Unplaced, wanted: string): readonly string[] {
    const known = [...this.#names.values()].flatMap((revisions) => revisions.map(({ name }) => name));
    const nearest = findNearest(
      wanted,
      known.filter((name) => name !== revision.name),
    );
    const hint = nearest === undefined ? undefined : `did you mean ${nearest}?`;
    return this.#fault(revision, `there is no revision ${wanted} to be its parent`, hint);
  }

  #fault({ name }: Unplaced, message: string, hint: string | undefined): readonly string[] {
    this.faults.push({ name, message, hint });
    return [];
  }

  /** Takes away revisions whose parents are all taken, until none is left or the rest hangs in a cycle. */
  refuseCycle(sorted: readonly Unplaced[], parents: ReadonlyMap<string, readonly string[]>): void {
    const missing = new Map(sorted.map(({ name }) => [name, parents.get(name)?.length ?? 0]));
    const children = new Map<string, string[]>(sorted.map(({ name }) => [name, []]));
    for (const [name, above] of parents) for (const parent of above) children.get(parent)?.push(name);
    const free = sorted.flatMap(({ name }) => (missing.get(name) === 0 ? [name] : []));
    for (let name = free.pop(); name !== undefined; name = free.pop()) {
      missing.delete(name);
      for (const child of children.get(name) ?? []) {
        const left = (missing.get(child) ?? 0) - 1;
        missing.set(child, left);
        if (left === 0) free.push(child);
      }
    }
    const stuck = sorted.find(({ name }) => missing.has(name));
    if (stuck !== undefined) this.#refuse(cycleFrom(stuck.name, parents, missing), sorted);
  }

  #refuse(cycle: readonly string[], sorted: readonly Unplaced[]): void {
    const speaker = sorted.find(({ name, wanted }) => wanted !== undefined && cycle.includes(name));
    const message = `its parents lead back to itself: ${cycle.join(' → ')}`;
    if (speaker !== undefined) this.#fault(speaker, message, undefined);
  }
}

/** Walks up among the revisions that are left: each has a parent there, so that the walk must come round. */
function cycleFrom(
  start: string,
  parents: ReadonlyMap<string, readonly string[]>,
  left: ReadonlyMap<string, number>,
): readonly string[] {
  const path: string[] = [];
  const seen = new Map<string, number>();
  let name = start;
  while (!seen.has(name)) {
    seen.set(name, path.length);
    path.push(name);
    name = parents.get(name)?.find((parent) => left.has(parent)) ?? name;
  }
  return [...path.slice(seen.get(name)), name];
}
