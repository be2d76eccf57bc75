import type { ShownRevision, ShownText } from '../core/answers/shown.ts';
import { maskSecrets, visibleText } from '../core/terminal-text.ts';
import { fieldLines, parentsText } from './history-answers.ts';
import { type PhraseContext, shownPath } from './phrase-context.ts';
import type { Style } from './style.ts';

/** `orch show`: what is known of each revision, and its texts. */
export function formatShown(
  rows: readonly ShownRevision[],
  secrets: readonly string[],
  context: PhraseContext,
  style: Style,
): string {
  return rows.map((row) => formatOne(row, secrets, context, style)).join('\n');
}

function formatOne(row: ShownRevision, secrets: readonly string[], context: PhraseContext, style: Style): string {
  const isCode = row.up.file.endsWith('.ts');
  const texts = isCode
    ? [textLines('up and down', row.up, secrets, context, style)]
    : sqlLines(row, secrets, context, style);
  const fields = fieldLines(
    [
      ['message', row.message],
      ['date', row.created],
      ['author', row.author],
      ['parents', parentsText(row.parents)],
      ['children', row.children.join(', ')],
      ['labels', row.labels.join(', ')],
      ['requires', row.requires.join(', ')],
      ['irreversible', row.irreversible],
      ['transaction', row.transaction === 'none' ? 'none' : undefined],
      ['recorded', row.appliedAt === undefined ? undefined : `when it was applied, ${row.appliedAt}`],
    ],
    context,
  );
  const title = style.bold(context.clean(`${row.service} ${row.name}`));
  return [title, ...fields, '', ...texts.flat()].join('\n');
}

function sqlLines(
  row: ShownRevision,
  secrets: readonly string[],
  context: PhraseContext,
  style: Style,
): readonly (readonly string[])[] {
  const down = row.down === undefined ? ['no down', ''] : textLines('down', row.down, secrets, context, style);
  return [textLines('up', row.up, secrets, context, style), down];
}

function textLines(
  title: string,
  { file, checksum, text }: ShownText,
  secrets: readonly string[],
  context: PhraseContext,
  style: Style,
): readonly string[] {
  const head = style.dim(context.clean(`-- ${title}: ${shownPath(file, context.cwd)}  ${checksum}`));
  if (text === undefined) return [head, '-- longer than 1 MB: the ledger kept its checksum alone', ''];
  // A tab is part of how the text is laid out, and steers no terminal.
  const parts = maskSecrets(text, secrets).split('\t');
  const shown = parts.map((part) => visibleText(part, 'keep')).join('\t');
  return [head, shown.endsWith('\n') ? shown.slice(0, -1) : shown, ''];
}
