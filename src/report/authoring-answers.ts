import type { Rebased } from '../core/answers/authoring.ts';
import { type PhraseContext, shownPath } from './phrase-context.ts';

/** Paths as a person would type them, one a line and nothing else: `$EDITOR $(orch revision -m …)`. */
export function formatWritten(files: readonly string[], context: PhraseContext): string {
  return files.map((file) => `${context.clean(shownPath(file, context.cwd))}\n`).join('');
}

/** `old -> new`, a file a line. */
export function formatRebased({ behind, revisions }: Rebased, context: PhraseContext): string {
  if (behind === undefined) return 'Nothing to do: it is the head already.\n';
  const moves = revisions.flatMap(({ files }) => files);
  const shown = (file: string): string => shownPath(file, context.cwd);
  return moves.map(({ from, to }) => `${context.clean(`${shown(from)} -> ${shown(to)}`)}\n`).join('');
}

/** What is left to do by hand; empty: nothing. */
export function formatMentions({ mentions }: Rebased, context: PhraseContext): string {
  return mentions
    .map(({ service, file, requires, now }) =>
      context
        .clean(
          `${shownPath(file, context.cwd)} (${service}) still requires ${requires}: write ${now}, unless it is applied`,
        )
        .concat('\n'),
    )
    .join('');
}
