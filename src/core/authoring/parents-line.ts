import { Failure } from '../failure.ts';
import type { Revision } from '../revision.ts';

/** What tells a revision from the others. */
type Numbered = Pick<Revision, 'id' | 'name'>;

/**
 * What the `parents` line of a revision numbered above all of `revisions` has to say for these parents; undefined: none
 * is needed, since the one revision of the next lower number is its parent anyway.
 * @throws Failure `usage-invalid` where a parent can't be named in a line
 */
export function parentsLineOf(
  revisions: readonly Numbered[],
  parents: readonly Numbered[],
): readonly string[] | undefined {
  const highest = revisionsOfHighestNumber(revisions);
  const [parent] = parents;
  if (parent === undefined) return revisions.length === 0 ? undefined : [];
  if (parents.length === 1 && highest.length === 1 && highest[0]?.name === parent.name) return undefined;
  return parents.map((one) => referenceTo(one, revisions));
}

function revisionsOfHighestNumber(revisions: readonly Numbered[]): readonly Numbered[] {
  let highest = -1n;
  let found: Numbered[] = [];
  for (const revision of revisions) {
    const number = BigInt(revision.id);
    if (number > highest) found = [];
    if (number >= highest) found.push(revision);
    if (number > highest) highest = number;
  }
  return found;
}

/** A name with white space or a comma would be read as two: its number stands for it, where that is nobody else's. */
function referenceTo(revision: Numbered, revisions: readonly Numbered[]): string {
  if (!/[\s,]/.test(revision.name)) return revision.name;
  const number = BigInt(revision.id);
  if (revisions.every((other) => other.name === revision.name || BigInt(other.id) !== number)) return revision.id;
  throw new Failure('usage-invalid', {
    message: `"${revision.name}" can't be named as a parent: its name has a space or comma, and its number is not its own; rename its files first`,
  });
}
