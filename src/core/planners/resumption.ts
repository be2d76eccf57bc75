import { Failure } from '../failure.ts';
import type { LedgerRow } from '../observed.ts';
import type { Service } from '../project.ts';
import type { RevisionText } from '../revision.ts';
import { placeOf } from '../sql/position.ts';

/** What is to become of a statement of which nobody knows whether it was done. */
export type Unclear = 'done' | 'again';

/** Where a text outside a transaction goes on, and why there. */
export interface Resumption {
  /** Statements of it that are passed over. */
  readonly resumeAt: number;
  readonly because: string;
  /** `statement-unclear`, for the step to end with once it has the lock. */
  readonly unclear?: Failure;
}

/**
 * Where an unfinished row's text goes on: behind the statements that the ledger has as done. The one that comes next may
 * have been announced by a run that then ended: PostgreSQL runs it in no transaction, so nothing tells what became of it.
 * It may also be that the run is still at it: the lock tells.
 * @param text of the direction that is unfinished
 * @param unclear what somebody has said of such a statement
 */
export function resume(
  service: Service,
  row: LedgerRow,
  text: RevisionText | undefined,
  unclear: Unclear | undefined,
): Resumption {
  const { statementsDone, announced } = row;
  const where = text?.language === 'typescript' ? 'half way' : `after statement ${statementsDone}`;
  if (announced !== statementsDone + 1) return { resumeAt: statementsDone, because: `it stopped ${where}` };
  if (unclear === undefined) {
    const because = `whether its statement ${announced} was done is not known: --unclear done or again says it`;
    return { resumeAt: statementsDone, because, unclear: unclearFailure(service, row, announced, text) };
  }
  const because = `its statement ${announced} is unclear, and --unclear ${unclear} was given`;
  return { resumeAt: unclear === 'done' ? announced : statementsDone, because };
}

function unclearFailure(
  service: Service,
  { name, state }: LedgerRow,
  statement: number,
  text: RevisionText | undefined,
): Failure {
  const found = text?.language === 'sql' ? text.statements[statement - 1] : undefined;
  const place = text?.language === 'sql' && found !== undefined ? placeOf(text.text, found.start) : undefined;
  const direction = state === 'reverting' ? 'down' : 'up';
  return new Failure(
    'statement-unclear',
    { service: service.name, database: service.database, revision: name, direction, statement },
    text === undefined ? {} : { at: { file: text.file, line: place?.line, column: place?.column } },
  );
}
