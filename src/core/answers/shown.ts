/** One direction of a revision. */
export interface ShownText {
  /** Absolute: where the file is, or was. */
  readonly file: string;
  readonly checksum: string;
  /** Undefined: the ledger kept its checksum alone, since it is longer than 1 MB. */
  readonly text: string | undefined;
}

/** A revision for `show`. */
export interface ShownRevision {
  readonly service: string;
  readonly name: string;
  readonly message: string;
  readonly origin: 'file' | 'recorded';
  /** ISO 8601. */
  readonly created: string | undefined;
  readonly author: string | undefined;
  readonly parents: readonly string[];
  /** Names of the revisions that are built on it. */
  readonly children: readonly string[];
  readonly labels: readonly string[];
  readonly requires: readonly string[];
  readonly irreversible: string | undefined;
  readonly transaction: 'single' | 'none';
  /** ISO 8601; known where it is shown as recorded. */
  readonly appliedAt: string | undefined;
  readonly up: ShownText;
  /** Undefined: it has no way back. */
  readonly down: ShownText | undefined;
}
