import type { Outcome, ServiceOutcome } from '../core/outcome.ts';
import { alignColumns, type Column, displayWidth } from './columns.ts';
import type { PhraseContext } from './phrase-context.ts';
import type { Style } from './style.ts';
import { formatCount, formatDuration } from './units.ts';

/** Columns that a narrow terminal does without, first the first. */
const dispensable = ['DATABASE', 'TIME', 'CHANGE'];

const columns: readonly Column[] = [
  { title: '' },
  { title: 'SERVICE' },
  { title: 'DATABASE' },
  { title: 'REVISION' },
  { title: 'CHANGE' },
  { title: 'URL' },
  { title: 'TIME', align: 'right' },
];

/**
 * The end of `up`, `migrate` and `reset`: a row a service, and a sentence; one calm line where nothing was to be done.
 * @param width columns of the terminal; undefined: as wide as it needs
 */
export function formatSummary(outcome: Outcome, context: PhraseContext, style: Style, width?: number): string {
  if (outcome.services.length === 0) return '';
  if (outcome.unchanged && outcome.failures.length === 0) return `${context.clean(phraseUnchanged(outcome))}\n`;
  const rows = outcome.services.map((service) => rowOf(service).map((cell) => context.clean(cell)));
  const [head = '', ...lines] = fitColumns(rows, width ?? Number.POSITIVE_INFINITY);
  const marked = lines.map((line, index) => mark(line, outcome.services[index]?.status, style));
  return ['', style.dim(head), ...marked, '', phraseOutcome(outcome, style), ''].join('\n');
}

/** Leaves out as many columns as it takes to have no line wrapped. */
function fitColumns(rows: readonly (readonly string[])[], width: number): string[] {
  let lines = alignColumns(columns, rows);
  for (let left = 1; left <= dispensable.length && Math.max(...lines.map(displayWidth)) > width; left += 1) {
    const kept = columns.map(({ title }) => !dispensable.slice(0, left).includes(title));
    lines = alignColumns(
      columns.filter((_, at) => kept[at]),
      rows.map((row) => row.filter((_, at) => kept[at])),
    );
  }
  return lines;
}

const marks: { readonly [S in ServiceOutcome['status']]: string } = {
  done: '✔',
  unchanged: '✔',
  failed: '✖',
  'not-started': '↓',
};

function rowOf(service: ServiceOutcome): string[] {
  return [
    marks[service.status],
    service.service,
    service.database,
    service.heads === undefined ? '?' : service.heads.length === 0 ? 'none' : service.heads.join(', '),
    phraseChange(service),
    service.status === 'failed' || service.status === 'not-started' ? '' : (service.url ?? ''),
    formatDuration(service.duration),
  ];
}

function mark(line: string, status: ServiceOutcome['status'] | undefined, style: Style): string {
  const color = status === 'failed' ? style.red : status === 'not-started' ? style.yellow : style.green;
  return color(line.slice(0, 1)) + line.slice(1);
}

/** `3 revisions applied, started`. */
function phraseChange(service: ServiceOutcome): string {
  const counts = [
    ...(service.applied.length === 0 ? [] : [formatCount(service.applied.length, 'revision')]),
    ...(service.seeded.length === 0 ? [] : [formatCount(service.seeded.length, 'seed')]),
  ];
  const applied = counts.length === 0 ? [] : [`${counts.join(' and ')} applied`];
  const reverted =
    service.reverted.length === 0 ? [] : [`${formatCount(service.reverted.length, 'revision')} reverted`];
  const stamped =
    service.stamped.length === 0 ? [] : [`${formatCount(service.stamped.length, 'ledger row')} changed, nothing run`];
  const started = service.container === 'started' ? ['started'] : [];
  const ends: { readonly [S in ServiceOutcome['status']]: readonly string[] } = {
    done: applied.length + reverted.length + stamped.length + started.length === 0 ? ['prepared'] : [],
    unchanged: ['nothing to do'],
    failed: ['failed'],
    'not-started': [isUntouched(service) ? 'not touched' : 'not started'],
  };
  return [...applied, ...reverted, ...stamped, ...started, ...ends[service.status]].join(', ');
}

function reached({ command, target }: Outcome): string {
  if (command !== 'up' && command !== 'migrate') return 'the target';
  return target === undefined ? 'head' : `${target} or beyond`;
}

/** Without containers in sight there is nothing that could have been started. */
function isUntouched({ container, applied, reverted }: ServiceOutcome): boolean {
  return container === 'untouched' || (container === undefined && applied.length + reverted.length === 0);
}

function phraseUnchanged(outcome: Outcome): string {
  const services = outcome.services.length;
  const running = outcome.services.some((service) => service.container === 'running');
  const what = running
    ? `${formatCount(services, 'service')} at head and running`
    : `${formatCount(services, 'database')} at ${reached(outcome)}`;
  return `Nothing to do: ${what} (${formatDuration(outcome.duration)}).`;
}

function phraseOutcome(outcome: Outcome, style: Style): string {
  const duration = formatDuration(outcome.duration);
  const good = outcome.services.filter((service) => service.status === 'done' || service.status === 'unchanged').length;
  const all = outcome.services.length;
  if (outcome.interrupted !== undefined)
    return style.yellow(`Interrupted after ${duration}: ${good} of ${all} done. orch status shows what is left.`);
  if (outcome.failures.length > 0) {
    return style.red(
      `${good} of ${formatCount(all, 'service')} done, ${formatCount(outcome.failures.length, 'failure')}, in ${duration}.`,
    );
  }
  const isOfServices = outcome.services.some((service) => service.container !== undefined);
  if (!isOfServices) return style.green(`${formatCount(all, 'database')} done in ${duration}.`);
  return style.green(`${formatCount(all, 'service')} ready in ${duration}.`);
}
