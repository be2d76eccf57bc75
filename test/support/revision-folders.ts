import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createRevisionStore } from '../../src/adapters/files/revision-store.ts';
import { isFailure } from '../../src/core/failure.ts';
import type { Service } from '../../src/core/project.ts';
import type { RevisionStore } from '../../src/ports/revision-store.ts';
import { service } from '../core/support.ts';

/** A project of one service in a folder of its own, which goes when the test ends. */
export interface RevisionProject {
  readonly root: string;
  /** Absolute. */
  readonly revisions: string;
  readonly service: Service;
  readonly store: RevisionStore;
  /** `file:line:column message` of each fault that loading meets; empty: it loads. */
  faults(): Promise<readonly string[]>;
}

/** Contents by path below `revisions/`, or `../seeds/…`. */
export type RevisionProjectFiles = Readonly<Record<string, string | Uint8Array>>;

/** Makes the project with these files. */
export async function createRevisionProject(files: RevisionProjectFiles): Promise<RevisionProject> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'orch-revisions-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const revisions = join(root, 'revisions');
  await mkdir(revisions);
  let seeds: string | undefined;
  for (const [name, content] of Object.entries(files)) {
    if (name.startsWith('../seeds/')) seeds = join(root, 'seeds');
    await mkdir(dirname(join(revisions, name)), { recursive: true });
    await writeFile(join(revisions, name), content);
  }
  const owner = service('auth', { folder: root, revisions, seeds });
  // Vitest puts a loader of its own in the place of Node's.
  const store = createRevisionStore({ root, workingFolder: root, nativeTypeScript: false });
  return { root, revisions, service: owner, store, faults: () => faultsOf(store.load(owner)) };
}

/** The faults of a `revision-invalid` failure; empty where the promise resolves. */
export async function faultsOf(loading: Promise<unknown>): Promise<readonly string[]> {
  try {
    await loading;
    return [];
  } catch (error) {
    if (!isFailure(error, 'revision-invalid')) throw error;
    return error.details.faults.map(({ file, line, column, message }) =>
      [[file, line, column].filter((part) => part !== undefined).join(':'), message].join(' '),
    );
  }
}
