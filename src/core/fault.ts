/** One fault in a text that a person wrote: where it is and what is wrong with it. */
export interface Fault {
  /** Path as shown, relative to the working folder where that is shorter. */
  readonly file: string;
  /** 1-based; undefined where the fault is of the file as a whole. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly message: string;
  /** The whole line of the text, for the caret. */
  readonly source: string | undefined;
  /** What to write instead. */
  readonly hint: string | undefined;
}
