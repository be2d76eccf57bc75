/** Edits (one character put in, taken out, replaced or swapped with its neighbour) that turn one text into the other. */
function distance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}

/** No name of ours is longer, and the work grows with the square of the length. */
const MAX_LENGTH = 128;

/**
 * The candidate that the name was probably meant to be: the one with the fewest edits, at most a third of the longer
 * text (at least one). Upper and lower case, `-` and `_` count as the same. Undefined: nothing is near enough to name.
 */
export function findNearest(name: string, candidates: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replaceAll('_', '-');
  if (name.length > MAX_LENGTH) return undefined;
  let nearest: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (candidate.length > MAX_LENGTH) continue;
    const edits = distance(plain(name), plain(candidate));
    const allowed = Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 3));
    if (edits <= allowed && edits < fewest) {
      nearest = candidate;
      fewest = edits;
    }
  }
  return nearest;
}

/** At most this many names are offered: more would be a list to read, not an answer. */
const OFFERED = 3;

/** The candidates that the name was probably meant to be, the most similar first; those that begin with it are among them. */
export function findNearestSome(name: string, candidates: readonly string[]): readonly string[] {
  const found: string[] = [];
  let left = candidates;
  for (let nearest = findNearest(name, left); nearest !== undefined && found.length < OFFERED; ) {
    const taken = nearest;
    found.push(taken);
    left = left.filter((candidate) => candidate !== taken);
    nearest = findNearest(name, left);
  }
  const beginning = name.slice(0, Math.max(2, Math.ceil(name.length / 2))).toLowerCase();
  const alike = left.filter((candidate) => name !== '' && candidate.toLowerCase().includes(beginning));
  return [...found, ...alike].slice(0, OFFERED);
}
