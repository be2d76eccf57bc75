import type { Failure, FailureCode } from '../core/failure.ts';
import type { PhraseContext } from './phrase-context.ts';

/** A failure in three parts. */
export interface FailurePhrase {
  /** What happened, with names and values: a headline, then the lines that show it. */
  readonly happened: readonly string[];
  /** What the state is now. */
  readonly state: string;
  /** What to type or write next, one thing a line; words behind `#` or `--` are a comment. */
  readonly next: readonly string[];
}

/** Words for each failure of `C`; the compiler keeps it complete. */
export type FailurePhrases<C extends FailureCode> = {
  readonly [K in C]: (failure: Failure<K>, context: PhraseContext) => FailurePhrase;
};

export const NOTHING_DONE = 'nothing was done.';

/** Foreign text as lines: line ends are the only control characters that are meant. */
export function foreignLines(text: string): string[] {
  return text.replace(/\r\n/g, '\n').trimEnd().split('\n');
}

/** Foreign output set off from our own words. */
export function quoted(lines: readonly string[]): string[] {
  return lines.map((line) => `  | ${line}`);
}

/**
 * The context of a server's message without values of rows: COPY quotes the line or field that it stopped at, and a server
 * may be set to add the parameters of a statement (`log_parameter_max_length_on_error`).
 */
export function withoutData(where: string): string {
  return where
    .replace(/(COPY [^\n]+?, line \d+(?:, column [^\n:]+)?): (?:"[\s\S]*"|null input)/g, '$1')
    .replace(/( with parameters): .*/g, '$1');
}
