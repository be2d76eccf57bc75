import { setImmediate as nextTurn } from 'node:timers/promises';
import { Failure } from '../../core/failure.ts';
import type { Fault } from '../../core/fault.ts';
import type { Service } from '../../core/project.ts';
import type { Revision, RevisionKind } from '../../core/revision.ts';
import type { RevisionStore } from '../../ports/revision-store.ts';
import { buildRevisions } from './build-revisions.ts';
import { ProjectPaths } from './project-paths.ts';
import { wholeFault } from './read-text.ts';
import { RevisionFolder } from './revision-folder.ts';
import { loadSchema } from './schema-files.ts';

/** The revision files of a project, on disk. */
export interface RevisionStoreOptions {
  /** Absolute folder of the project: nothing outside is read. */
  readonly root: string;
  /** Absolute; messages show paths relative to it. */
  readonly workingFolder: string;
  /** False: TypeScript goes through jiti even where Node strips types, for hosts with a loader of their own. */
  readonly nativeTypeScript?: boolean;
}

/**
 * Makes the store that reads revision folders below `root`.
 * @throws Error of the file system where `root` does not exist
 */
export function createRevisionStore({ root, workingFolder, nativeTypeScript }: RevisionStoreOptions): RevisionStore {
  const paths = new ProjectPaths(root, workingFolder);
  const owners = new Map<string, string>();
  let turn: Promise<unknown> = Promise.resolve();
  return {
    async load(service) {
      // Files are read synchronously: one service a turn of the event loop, so that connections make headway between.
      turn = turn.then(() => nextTurn());
      await turn;
      const loaded = loadService(service, paths);
      for (const { up } of [...loaded.revisions, ...loaded.seeds]) owners.set(up.file, service.name);
      return loaded;
    },
    async loadSchema(service) {
      return loadSchema(service, paths);
    },
    async loadCode(code) {
      // Most runs have no TypeScript revision to apply.
      const { loadFunction } = await import('./load-code.ts');
      const shown = paths.show(code.file);
      return await loadFunction(code, { service: owners.get(code.file) ?? shown, shown, natively: nativeTypeScript });
    },
  };
}

function loadService(
  service: Service,
  paths: ProjectPaths,
): { readonly revisions: readonly Revision[]; readonly seeds: readonly Revision[] } {
  const faults: Fault[] = [];
  const revisions = loadFolder(service.name, service.revisions, 'revision', paths, faults);
  const seeds = service.seeds === undefined ? [] : loadFolder(service.name, service.seeds, 'seed', paths, faults);
  refuseSharedNames(revisions, seeds, paths, faults);
  if (faults.length > 0) {
    throw new Failure('revision-invalid', { service: service.name, faults: faults.sort(compareFaults) });
  }
  return { revisions, seeds };
}

function loadFolder(
  service: string,
  path: string,
  kind: RevisionKind,
  paths: ProjectPaths,
  faults: Fault[],
): readonly Revision[] {
  const folder = new RevisionFolder(path, paths, service);
  const files = folder.read();
  faults.push(...folder.faults);
  return buildRevisions(files, kind, faults);
}

/** The ledger keeps revisions and seeds under their names, in one table. */
function refuseSharedNames(
  revisions: readonly Revision[],
  seeds: readonly Revision[],
  paths: ProjectPaths,
  faults: Fault[],
): void {
  const taken = new Map(revisions.map((revision) => [revision.name, revision]));
  for (const seed of seeds) {
    const revision = taken.get(seed.name);
    if (revision === undefined) continue;
    const message = `has the name of the revision ${paths.show(revision.up.file)}`;
    faults.push(wholeFault(paths.show(seed.up.file), message, 'give the seed another name'));
  }
}

function compareFaults(left: Fault, right: Fault): number {
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0);
}
