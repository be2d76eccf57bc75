import type { Service } from '../core/project.ts';
import type { CodeText, Revision } from '../core/revision.ts';
import type { RevisionHandle } from './revision-handle.ts';

export type RevisionFunction = (database: RevisionHandle) => Promise<void>;

export interface RevisionStore {
  /**
   * Reads, checks and hashes every revision file of the service, sorted by number.
   * @throws Failure `revision-invalid` with every fault of the folder at once
   */
  load(service: Service): Promise<{ readonly revisions: readonly Revision[]; readonly seeds: readonly Revision[] }>;
  /** Loads the function of a TypeScript revision, from the very text that was hashed. */
  loadCode(code: CodeText): Promise<RevisionFunction>;
}
