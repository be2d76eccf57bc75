import type { BatchPlan } from './batch-query.ts';
import type { FormattedSql } from './sql/fragment.ts';

/** What a TypeScript revision would send, found by running it with a handle that only writes down. */
export type RecordedAction =
  | { readonly kind: 'statement'; readonly statement: FormattedSql }
  | { readonly kind: 'note'; readonly text: string }
  | {
      readonly kind: 'batches';
      readonly name: string;
      readonly plan: BatchPlan;
      /** Among their parameters are `BatchMark`s. */
      readonly statements: readonly FormattedSql[];
    };

/** Either all that it does, or why that cannot be written down. */
export type RecordedCode = { readonly actions: readonly RecordedAction[] } | { readonly reason: string };

/** Stands for what is known only once a batch is read. */
export class BatchMark {
  readonly of: 'keys' | 'first' | 'last';

  constructor(of: BatchMark['of']) {
    this.of = of;
  }
}
