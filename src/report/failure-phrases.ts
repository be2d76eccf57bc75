import { Failure, type FailureCode } from '../core/failure.ts';
import { authoringFailures } from './authoring-failures.ts';
import { baselineFailures } from './baseline-failures.ts';
import { blockedFailures } from './blocked-failures.ts';
import { databaseFailures } from './database-failures.ts';
import { downgradeFailures } from './downgrade-failures.ts';
import type { FailurePhrase, FailurePhrases } from './failure-phrase.ts';
import { historyFailures } from './history-failures.ts';
import { inputFailures } from './input-failures.ts';
import type { PhraseContext } from './phrase-context.ts';
import { runtimeFailures } from './runtime-failures.ts';

/** Every failure code has its words: a new code without them does not compile. */
const phrases: FailurePhrases<FailureCode> = {
  ...inputFailures,
  ...historyFailures,
  ...downgradeFailures,
  ...authoringFailures,
  ...baselineFailures,
  ...databaseFailures,
  ...blockedFailures,
  ...runtimeFailures,
};

/** The words of a failure. They may hold foreign text: whoever prints them cleans each line. */
export function phraseFailure(failure: Failure, context: PhraseContext): FailurePhrase {
  // The table has an entry of the failure's own code: the compiler can't carry that through the index.
  return (phrases[failure.code] as (f: Failure, c: PhraseContext) => FailurePhrase)(
    maskLines(failure, context),
    context,
  );
}

/**
 * Foreign text is shown line by line, and each line cleaned: a password that stands on another line than the word that
 * tells it, or that has a line end in it, would be found no more. A `source` is one line, and its column counts in it.
 */
function maskLines(failure: Failure, { mask }: PhraseContext): Failure {
  const { code, details, at, cause } = failure;
  return new Failure(code, masked(details, mask) as typeof details, { cause, ...(at !== undefined && { at }) });
}

function masked(value: unknown, mask: (text: string) => string): unknown {
  if (typeof value === 'string') return value.includes('\n') ? mask(value) : value;
  if (Array.isArray(value)) return value.map((item) => masked(item, mask));
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, masked(item, mask)]));
}
