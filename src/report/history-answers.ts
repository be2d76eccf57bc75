import type { HistoryEntry, ServiceFiles, ServiceHistory } from '../core/answers/history.ts';
import { alignColumns } from './columns.ts';
import { type PhraseContext, shownPath } from './phrase-context.ts';
import type { Style } from './style.ts';
import { formatDuration } from './units.ts';

/** `orch history`: a line a revision, the newest first; `verbose`: all that is known of each. */
export function formatHistory(
  rows: readonly ServiceHistory[],
  verbose: boolean,
  context: PhraseContext,
  style: Style,
): string {
  if (verbose) return formatBlocks(rows, context, style);
  const cells = rows.flatMap(({ service, revisions }) =>
    revisions.map((one) => [
      service,
      one.name,
      parentsText(one.parents),
      one.isHead ? 'head' : '',
      stateText(one),
      one.message,
    ]),
  );
  if (cells.length === 0) return 'No revisions.\n';
  return table(['SERVICE', 'REVISION', 'PARENTS', 'HEAD', 'STATE', 'MESSAGE'], cells, context, style);
}

/** `orch heads`: what the files lead up to. */
export function formatHeads(rows: readonly ServiceFiles[], context: PhraseContext, style: Style): string {
  const cells = rows.flatMap(({ service, heads, failure }) => {
    if (heads.length === 0) return [[service, failure === undefined ? 'none' : '?']];
    return heads.map((one) => [
      service,
      one.name,
      one.labels.join(', '),
      one.created ?? '',
      one.author ?? '',
      one.message,
    ]);
  });
  return table(['SERVICE', 'HEAD', 'LABELS', 'DATE', 'AUTHOR', 'MESSAGE'], cells, context, style);
}

/** `orch branches`: where histories fork, or carry a label. */
export function formatBranches(rows: readonly ServiceFiles[], context: PhraseContext, style: Style): string {
  const cells = rows.flatMap(({ service, branches, failure }) => {
    if (failure !== undefined) return [[service, '?', '?']];
    return branches.map(({ revision, parents, labels, heads }) => [
      service,
      parentsText(parents),
      revision,
      labels.join(', '),
      heads.join(', '),
    ]);
  });
  if (cells.length === 0) return 'No branches: every history is one line.\n';
  return table(['SERVICE', 'FROM', 'BEGINS WITH', 'LABELS', 'LEADS TO'], cells, context, style);
}

function formatBlocks(rows: readonly ServiceHistory[], context: PhraseContext, style: Style): string {
  const blocks = rows.flatMap(({ service, revisions }) =>
    revisions.map((one) => {
      const title = `${service} ${one.name}${one.isHead ? ' (head)' : ''}`;
      return [style.bold(context.clean(title)), ...fieldLines(revisionFields(one, context), context), ''].join('\n');
    }),
  );
  return blocks.length === 0 ? 'No revisions.\n' : blocks.join('\n');
}

/** `name:  value` lines, indented, the values below each other; a field without a value is left out. */
export function fieldLines(
  fields: readonly (readonly [name: string, value: string | undefined])[],
  context: PhraseContext,
): readonly string[] {
  const known = fields.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...known.map(([name]) => name.length)) + 2;
  return known.map(([name, value]) => `  ${`${name}:`.padEnd(width)}${context.clean(value ?? '')}`);
}

function revisionFields(one: HistoryEntry, context: PhraseContext): readonly (readonly [string, string | undefined])[] {
  return [
    ['message', one.message],
    ['date', one.created],
    ['author', one.author],
    ['parents', parentsText(one.parents)],
    ['labels', one.labels.join(', ')],
    ['requires', one.requires.join(', ')],
    ['file', one.file === undefined ? 'gone' : shownPath(one.file, context.cwd)],
    ['state', appliedText(one)],
    ['note', one.note],
  ];
}

function appliedText(one: HistoryEntry): string {
  if (one.state !== 'applied') return stateText(one);
  const took = one.duration === undefined ? '' : `, in ${formatDuration(one.duration)}`;
  return `applied ${one.appliedAt ?? ''}${took}${one.role === undefined ? '' : `, by ${one.role}`}`;
}

const states = {
  applied: 'applied',
  pending: 'pending',
  started: 'stopped half way',
  reverting: 'stopped half way back',
} as const;

function stateText({ state, file }: HistoryEntry): string {
  const text = state === undefined ? 'not known' : states[state];
  return file === undefined ? `${text}, file gone` : text;
}

/** Their names, or `base`. */
export function parentsText(parents: readonly string[]): string {
  return parents.length === 0 ? 'base' : parents.join(', ');
}

function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  context: PhraseContext,
  style: Style,
): string {
  const clean = rows.map((row) => row.map((cell) => context.clean(cell)));
  const [head = '', ...lines] = alignColumns(
    titles.map((title) => ({ title })),
    clean,
  );
  return [style.dim(head), ...lines, ''].join('\n');
}
