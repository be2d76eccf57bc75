/** Where text goes; `process.stdout` and `process.stderr` are writers. */
export interface Writer {
  write(text: string): unknown;
  /** True: a person's terminal. */
  readonly isTTY?: boolean;
  /** Width and height of the terminal in characters; undefined: none. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}
