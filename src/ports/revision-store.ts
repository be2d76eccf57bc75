import type { Service } from '../core/project.ts';
import type { CodeText, Revision } from '../core/revision.ts';

/** What a TypeScript revision gets: the session inside the revision's transaction. */
export interface RevisionHandle {
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<{ readonly rows: readonly Row[]; readonly rowCount: number }>;
  /** Shown as progress under the revision. `total` undefined: not known. */
  progress(done: number, total?: number): void;
  readonly service: { readonly name: string; readonly database: string };
}

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

