import type { Failure } from '../core/failure.ts';
import type { Loss, ObservedContainer } from '../core/observed.ts';
import type { Plan } from '../core/plan.ts';
import { alignColumns } from './columns.ts';
import { phraseFailureShort } from './event-phrases.ts';
import { fieldLines, parentsText } from './history-answers.ts';
import { phraseHolder } from './holder-phrase.ts';
import type { PhraseContext } from './phrase-context.ts';
import { phraseStep } from './step-phrases.ts';
import type { Style } from './style.ts';
import { formatBytes, formatCount, formatDuration } from './units.ts';

/** A service for `current` and `status`. */
export interface StatusRow {
  readonly service: string;
  readonly database: string;
  /** Names of the applied heads. */
  readonly heads: readonly string[];
  /** ISO 8601; undefined: nothing is applied. */
  readonly appliedAt: string | undefined;
  /** How many revisions are applied. */
  readonly applied: number;
  /** Names of what is to be applied; undefined: not known. */
  readonly pending: readonly string[] | undefined;
  readonly container: ObservedContainer | undefined;
  readonly failure: Failure | undefined;
  /** Undefined: not known. */
  readonly atHeads?: boolean | undefined;
  /** What the ledger says of each of `heads`; absent: not asked. */
  readonly latest?: readonly HeadRow[];
}

/** An applied head. */
interface HeadRow {
  readonly name: string;
  readonly parents: readonly string[];
  readonly appliedAt: string;
  /** ms */
  readonly duration: number;
  readonly role: string;
  readonly host: string;
  readonly orchVersion: string;
  readonly run: string;
  readonly note: string | undefined;
}

/** `orch current`: what is applied. */
export function formatCurrent(rows: readonly StatusRow[], context: PhraseContext, style: Style): string {
  const cells = rows.map((row) => [
    row.service,
    row.database,
    headsText(row),
    String(row.applied),
    row.appliedAt ?? '',
  ]);
  const columns = [
    { title: 'SERVICE' },
    { title: 'DATABASE' },
    { title: 'HEAD' },
    { title: 'APPLIED', align: 'right' },
    { title: 'SINCE' },
  ] as const;
  return table(columns, cells, context, style);
}

/** `orch current --verbose`: what the ledger says of each head. */
export function formatCurrentBlocks(rows: readonly StatusRow[], context: PhraseContext, style: Style): string {
  const blocks = rows.map((row) => {
    const title = `${row.service} (${row.database})`;
    const standing = row.atHeads === undefined ? '' : row.atHeads ? ', at its heads' : ', not at its heads';
    const head = style.bold(context.clean(`${title}: ${headsText(row)}${standing}`));
    return [head, ...(row.latest ?? []).flatMap((one) => headLines(one, context)), ''].join('\n');
  });
  return blocks.join('\n');
}

function headLines(one: HeadRow, context: PhraseContext): readonly string[] {
  return fieldLines(
    [
      ['revision', one.name],
      ['parents', parentsText(one.parents)],
      ['applied', `${one.appliedAt}, in ${formatDuration(one.duration)}`],
      ['by', `${one.role}, from ${one.host}, with orch ${one.orchVersion}`],
      ['run', one.run],
      ['note', one.note],
    ],
    context,
  );
}

/** `orch status`: what is applied, what is pending, which containers run with what. */
export function formatStatus(rows: readonly StatusRow[], context: PhraseContext, style: Style): string {
  const cells = rows.map((row) => [
    row.service,
    row.database,
    headsText(row),
    pendingText(row.pending),
    ...containerCells(row.container),
    verdictText(row, context),
  ]);
  const columns = ['SERVICE', 'DATABASE', 'HEAD', 'PENDING', 'CONTAINER', 'IMAGE', 'URL', 'VERDICT'].map((title) => ({
    title,
  }));
  return table(columns, cells, context, style);
}

/** `orch plan`: a line a step with the reason; one calm line where nothing is to be done. */
export function formatPlanTable(plan: Plan, context: PhraseContext, style: Style): string {
  const refused = plan.refusals.map(({ subject, failure, needs }) => [
    subject.service,
    subject.database,
    'nothing',
    failure === undefined
      ? `it needs ${needs ?? 'another service'}, which is left alone`
      : phraseFailureShort(failure, context),
  ]);
  const steps = plan.steps.map((step) => [
    step.subject.service,
    step.subject.database,
    phraseStep(step).todo,
    step.because,
  ]);
  if (steps.length + refused.length === 0) return 'Nothing to do: every database is at its target.\n';
  const columns = [{ title: 'SERVICE' }, { title: 'DATABASE' }, { title: 'STEP' }, { title: 'BECAUSE' }];
  return table(columns, [...steps, ...refused], context, style);
}

/** What a reset loses, for the person who is asked. */
export function formatLoss(database: string, loss: Loss | undefined, context: PhraseContext, style: Style): string {
  if (loss === undefined)
    return context.clean(`The database ${database} does not exist: there is nothing to lose.`).concat('\n');
  const head = `The database ${loss.database} will be dropped: ${formatCount(loss.tables.length, 'table')}, ${formatBytes(loss.size)}.`;
  const columns = [{ title: 'TABLE' }, { title: 'ROWS', align: 'right' }] as const;
  const rows = loss.tables.map(({ name, rows: count, exact }) => [name, exact ? String(count) : `about ${count}`]);
  const sessions = loss.sessions.map((session) =>
    context.clean(`Ended: the session of ${phraseHolder(session)}`).concat('\n'),
  );
  return [
    style.bold(context.clean(head)),
    '\n',
    rows.length === 0 ? '' : table(columns, rows, context, style),
    ...sessions,
  ].join('');
}

function table(
  columns: Parameters<typeof alignColumns>[0],
  rows: readonly (readonly string[])[],
  context: PhraseContext,
  style: Style,
): string {
  const clean = rows.map((row) => row.map((cell) => context.clean(cell)));
  const [head = '', ...lines] = alignColumns(columns, clean);
  return [style.dim(head), ...lines, ''].join('\n');
}

function headsText(row: StatusRow): string {
  if (row.heads.length > 0) return row.heads.join(', ');
  return row.failure === undefined ? 'none' : '?';
}

const namedPending = 3;

function pendingText(pending: readonly string[] | undefined): string {
  if (pending === undefined) return '?';
  if (pending.length === 0) return 'none';
  const named = pending.slice(0, namedPending).join(', ');
  return `${pending.length}: ${named}${pending.length > namedPending ? ', …' : ''}`;
}

function containerCells(container: ObservedContainer | undefined): [string, string, string] {
  if (container === undefined) return ['', '', ''];
  const health = container.health === 'none' ? '' : ` (${container.health})`;
  return [`${container.state}${health}`, container.image ?? '', container.url ?? ''];
}

function verdictText(row: StatusRow, context: PhraseContext): string {
  if (row.failure !== undefined) return phraseFailureShort(row.failure, context);
  if (row.pending !== undefined && row.pending.length > 0) return 'behind';
  if (row.container === undefined) return 'at head';
  if (row.container.state !== 'running') return 'at head, not running';
  if (!row.container.upToDate) return 'at head, container is out of date';
  return row.container.health === 'unhealthy' ? 'at head, unhealthy' : 'at head, running';
}
