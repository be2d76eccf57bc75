/** What was written. */
export interface WrittenRevision {
  readonly service: string;
  readonly kind: 'revision' | 'merge' | 'seed';
  readonly name: string;
  readonly message: string;
  readonly parents: readonly string[];
  /** Absolute paths: up before down. */
  readonly files: readonly string[];
}

/** What has another name now. */
export interface Rebased {
  readonly service: string;
  /** The name of the revision behind which they are; undefined: nothing was to be done. */
  readonly behind: string | undefined;
  readonly revisions: readonly {
    readonly from: string;
    readonly to: string;
    /** Absolute paths. */
    readonly files: readonly { readonly from: string; readonly to: string }[];
  }[];
  /** `requires` lines of other services that still say the old name. */
  readonly mentions: readonly Mention[];
}

/** A line that still says an old name. */
export interface Mention {
  readonly service: string;
  /** Absolute path. */
  readonly file: string;
  readonly requires: string;
  readonly now: string;
}
