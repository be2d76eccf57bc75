import type { Revision } from '../revision.ts';
import type { Catalog, CatalogObject } from './catalog.ts';
import { type Difference, diffEvery, withoutParts } from './diff.ts';
import type { OtherLedger } from './other-ledgers.ts';

/** How a database compares with what the first of a service's revisions leave. */
export interface Comparison {
  /** Parents first; empty: base. */
  readonly applied: readonly Revision[];
  /** Empty: it is the same. */
  readonly differences: readonly Difference[];
  /** How many they are, with each part of what is missing or extra as a whole. */
  readonly distance: number;
}

/** What a database without a ledger was found to be. */
export interface Adoption {
  /** The furthest that is the same; undefined: none is. */
  readonly match: Comparison | undefined;
  /** The others that are the same: the catalog can't tell them from the match, because nothing between changed it. */
  readonly alike: readonly Comparison[];
  /** The one with the least distance, the furthest of them; the match itself where there is one. */
  readonly nearest: Comparison;
}

/** What is no difference for a service. */
export interface Tolerance {
  /** Tables of other tools, which were there before orch came. */
  readonly ledgers: readonly OtherLedger[];
  /** Extensions that `migrate` creates where they are missing. */
  readonly prerequisites: readonly string[];
}

/**
 * What is to be told of a database that is to be taken over from another tool. No difference: that tool's ledger; an
 * extension that the config asks for, or that is there without being asked for (a server's operator may have put it into
 * every database); the order of columns, which depends on the way and which no revision can change.
 */
export function compareForAdoption(
  wanted: Catalog,
  found: Catalog,
  tolerance: Tolerance,
): Pick<Comparison, 'differences' | 'distance'> {
  const ledgers = new Set(tolerance.ledgers.map(({ table }) => table));
  const prerequisites = new Set(tolerance.prerequisites);
  const isTold = (difference: Difference): boolean => {
    const { kind, name, of } = difference.object;
    if (difference.what === 'changed') return difference.field !== 'columns';
    if (kind === 'extension') return difference.what === 'missing' && !prerequisites.has(plainName(name));
    return difference.what === 'missing' || !(ledgers.has(name) || (of !== undefined && ledgers.has(of)));
  };
  const every = diffEvery(wanted, found).filter(isTold);
  return { differences: withoutParts(every), distance: every.length };
}

/** @param comparisons from base on, at least that one */
export function judgeAdoption(comparisons: readonly [Comparison, ...(readonly Comparison[])]): Adoption {
  const same = comparisons.filter(({ differences }) => differences.length === 0);
  const match = same.at(-1);
  const nearest = comparisons.reduce((best, next) => (next.distance <= best.distance ? next : best));
  return { match, alike: same.slice(0, -1), nearest };
}

/** Objects that belong to somebody else than the service's owner, so that its revisions can't change them. */
export function foreignObjects({ objects }: Catalog, owner: string): readonly CatalogObject[] {
  return objects.filter(
    (object) => object.of === undefined && object.owner !== '' && object.owner !== owner && object.kind !== 'extension',
  );
}

function plainName(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
