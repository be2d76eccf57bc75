import { realpathSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';

/** Where the project ends: a revision file must not be, or lead to, anything outside. */
export class ProjectPaths {
  readonly #root: string;
  readonly #workingFolder: string;

  /**
   * @param root absolute folder of the project
   * @param workingFolder absolute; paths below it are shown relative to it
   * @throws Error of the file system where `root` does not exist
   */
  constructor(root: string, workingFolder: string) {
    this.#root = realpathSync(root);
    this.#workingFolder = workingFolder;
  }

  /** The path for messages: relative where that is shorter. */
  show(path: string): string {
    const short = relative(this.#workingFolder, path);
    return short !== '' && short.length < path.length ? short : path;
  }

  /**
   * The path without links; undefined: it leads out of the project.
   * @throws Error of the file system where there is no such file
   */
  resolve(path: string): string | undefined {
    const real = realpathSync(path);
    const inside = relative(this.#root, real);
    return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? undefined : real;
  }
}
