import type { Service } from '../core/project.ts';
import type { CodeText, Revision } from '../core/revision.ts';
import type { RevisionHandle } from './revision-handle.ts';

/** @throws RevisionCodeError whatever its code throws */
export type RevisionFunction = (database: RevisionHandle) => Promise<void>;

/** What the code of a TypeScript revision threw (`cause`), with its place in the file. */
export class RevisionCodeError extends Error {
  /** 1-based; undefined where the stack does not tell. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** The whole line. */
  readonly source: string | undefined;

  constructor(
    cause: unknown,
    place: {
      readonly line: number | undefined;
      readonly column: number | undefined;
      readonly source: string | undefined;
    },
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'RevisionCodeError';
    this.line = place.line;
    this.column = place.column;
    this.source = place.source;
  }
}

export interface RevisionStore {
  /**
   * Reads, checks and hashes every revision file of the service, sorted by number.
   * @throws Failure `revision-invalid` with every fault of the folder at once
   */
  load(service: Service): Promise<{ readonly revisions: readonly Revision[]; readonly seeds: readonly Revision[] }>;
  /**
   * Reads the files of the service's `schema`, by name, each as a revision that is built on the one before; empty: it has none.
   * @throws Failure `revision-invalid` with every fault of the files at once
   */
  loadSchema(service: Service): Promise<readonly Revision[]>;
  /** Loads the function of a TypeScript revision, from the very text that was hashed. */
  loadCode(code: CodeText): Promise<RevisionFunction>;
}
