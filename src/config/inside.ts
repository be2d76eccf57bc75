import { relative, resolve, sep } from 'node:path';

/** True where `path` is `root` or below it; both absolute, with links followed. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && resolve(root, way) === path;
}
