import type { ConfigPath } from './config-document.ts';

/** What is left of a config file without the values whose shape is wrong. */
export interface Salvaged {
  readonly value: unknown;
  /** The paths of the keys that were left out: what is missing there was told already. */
  readonly dropped: readonly ConfigPath[];
}

/**
 * Leaves out the smallest parts around the paths, until the rest has its shape, so that what else is wrong is told in
 * the same run. Items of lists stay: without one the others would have other places, so the whole list goes.
 * Undefined: something that must be there is at fault, and nothing more can be said.
 */
export function salvage(
  value: unknown,
  paths: readonly ConfigPath[],
  hasShape: (value: unknown) => boolean,
): Salvaged | undefined {
  const dropped: ConfigPath[] = [];
  const left: unknown = structuredClone(value);
  const deepest = Math.max(0, ...paths.map((path) => path.length));
  for (let depth = deepest; depth > 0; depth -= 1) {
    for (const path of paths) {
      const key = path.slice(0, depth);
      if (drop(left, key)) dropped.push(key);
    }
    if (hasShape(left)) return { value: left, dropped };
  }
  return undefined;
}

/** Takes a key out of its mapping. @returns false where there is none at that path, or it is an item of a list */
function drop(root: unknown, path: ConfigPath): boolean {
  const last = path.at(-1);
  let parent = root;
  for (const step of path.slice(0, -1)) {
    if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, step)) return false;
    parent = Reflect.get(parent, step);
  }
  if (typeof last !== 'string' || typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, last)) {
    return false;
  }
  return Reflect.deleteProperty(parent, last);
}
