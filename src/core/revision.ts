/** A node of a service's history, read from its revision file(s). */
import type { Fault } from './fault.ts';

export type RevisionKind = 'revision' | 'seed';

/** A statement's place in its file. Offsets are in UTF-16 units of `SqlText.text`. */
export interface Statement {
  readonly start: number;
  readonly end: number;
  /** 1-based line of its first token. */
  readonly line: number;
  readonly column: number;
}

/**
 * The SQL of one direction: read once; the same text is hashed and executed.
 * `transaction`, `statements` and `faults` are found by reading the text token by token, which happens the first time
 * one of them is asked for: ask for revisions that are to run, not for all (a seed of 50 MB takes a third of a second).
 */
export interface SqlText {
  readonly language: 'sql';
  /** Absolute path. */
  readonly file: string;
  /** As messages show the path; absent: as `file`. */
  readonly shownFile?: string | undefined;
  /** The file's own text where `text` has values in place of its variables; absent: `text` is the file's. */
  readonly written?: string | undefined;
  /** Without BOM, with LF line ends. Read from the file anew at each access where it is longer than 1 MB: take `pieces`. */
  readonly text: string;
  /** Of `text`, in UTF-16 units. */
  readonly length: number;
  readonly checksum: string;
  /** `single`: the whole text in one transaction. `none`: a statement at a time, outside any. */
  readonly transaction: 'single' | 'none';
  /** Filled where `transaction` is `none`. */
  readonly statements: readonly Statement[];
  /** True: BEGIN is its first statement and COMMIT its last; they are passed over, since it runs in our transaction. */
  readonly wrapped: boolean;
  /** Procedures that it calls, and those among its own that commit by themselves: a CALL of one cannot run in a transaction. */
  readonly routines: RoutineUses;
  /**
   * The text in pieces, in order: a long one never stands in memory as a whole.
   * @throws Failure `revision-invalid` at its end where the file is not what was hashed any more
   */
  pieces(): Iterable<string>;
  /** Why this text must not run, such as a COMMIT of its own; empty: it may. `requireRunnable` throws them. */
  readonly faults: readonly Fault[];
}

export interface RoutineUses {
  /** Those that the text creates, in its order; names without their schema. */
  readonly procedures: readonly { readonly name: string; readonly commits: boolean }[];
  /** With the fault that a CALL is where the procedure commits. */
  readonly called: readonly { readonly name: string; readonly fault: Fault }[];
}

/** One direction of a TypeScript revision: loaded only when it is applied. */
export interface CodeText {
  readonly language: 'typescript';
  readonly file: string;
  readonly text: string;
  readonly checksum: string;
  readonly direction: 'up' | 'down';
  /** `none`: each query commits by itself, and so does each batch of `batches`. */
  readonly transaction: 'single' | 'none';
}

export type RevisionText = SqlText | CodeText;

export interface Revision {
  readonly kind: RevisionKind;
  /** The number as written, such as `001`; the identity. */
  readonly id: string;
  /** `001_users`: the id with the rest of the name. */
  readonly name: string;
  readonly message: string;
  /** Names of earlier revisions; empty: a base. */
  readonly parents: readonly string[];
  readonly up: RevisionText;
  /** Undefined: the revision has no way back. */
  readonly down: RevisionText | undefined;
  /** In ms; undefined: the policy decides. */
  readonly lockTimeout: number | undefined;
  readonly statementTimeout: number | undefined;
  /** Names for the branch that begins here: `label@head` is the head above the revision that carries the label. */
  readonly labels: readonly string[];
  /** Revisions of other services that must be applied before this one. */
  readonly requires: readonly Requirement[];
  /** Why there is no way back; undefined: there may be one. */
  readonly irreversible: string | undefined;
  /** Names that may be put in, as `:"name"` (identifier) or `:'name'` (literal). */
  readonly variables: readonly string[];
  /** What was put in for them, by name; absent: nothing. */
  readonly values?: Readonly<Record<string, string>> | undefined;
  /** As the file says; undefined: it does not. */
  readonly author: string | undefined;
  /** ISO 8601 date, with a time where one is known: from the file's name or its `created` line. */
  readonly created: string | undefined;
}

/** `api-auth@002`: a revision of another service, as it was written. */
export interface Requirement {
  readonly service: string;
  /** A number, a name or a prefix of one. */
  readonly revision: string;
}
