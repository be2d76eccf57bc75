import { findOwner } from './holder-lock.ts';
import { localPaths } from './paths.ts';

/** True while an orch process, in another terminal or this one, has the project's PGlite databases open. Cheap: one look at a folder. */
export async function isHeld(projectRoot: string): Promise<boolean> {
  return (await findOwner(localPaths(projectRoot).locks)) !== undefined;
}
