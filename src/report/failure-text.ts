import type { Failure } from '../core/failure.ts';
import { maskSecrets, visibleText } from '../core/terminal-text.ts';
import { phraseFailure } from './failure-phrases.ts';
import type { PhraseContext } from './phrase-context.ts';
import type { Style } from './style.ts';

/** A failure as text in three parts, each line ending with `\n`: what happened, what the state is now, what to type next. */
export function formatFailure(failure: Failure, context: PhraseContext, style: Style): string {
  const phrase = phraseFailure(failure, context);
  const [headline = '', ...shown] = phrase.happened.map((line) => context.clean(line));
  const next = phrase.next.map((line) => context.clean(line));
  return [
    `${style.red('✖')} ${style.bold(headline)}`,
    ...shown.map((line) => (/^ +\| *\^$/.test(line) ? style.red(line) : line)),
    ...(shown.includes('') ? [''] : []),
    `  ${style.dim('now:')}   ${context.clean(phrase.state)}`,
    ...next.map((line, index) => `  ${style.dim(index === 0 ? 'next:' : '     ')}  ${highlight(line, style)}`),
    '',
  ].join('\n');
}

/** The command stands out from the comment behind it. */
function highlight(line: string, style: Style): string {
  const comment = / {2}(#|--) /.exec(line);
  if (comment === null) return style.cyan(line);
  return style.cyan(line.slice(0, comment.index)) + style.dim(line.slice(comment.index));
}

/** Something thrown that is no `Failure`: our mistake, with the stack and the version that a report needs. */
export function formatBug(error: unknown, version: string, secrets: readonly string[], style: Style): string {
  const text = stackOf(error, 0);
  const clean = visibleText(maskSecrets(text, secrets), 'keep');
  return [
    `${style.red('✖')} ${style.bold('this is a bug in orch, not a fault of yours')}`,
    ...clean.split('\n').map((line) => `  ${line}`),
    `  ${style.dim('now:')}   what was committed before stays; what was open is rolled back.`,
    `  ${style.dim('next:')}  ${style.cyan('orch status')}${style.dim(`  # and report the lines above with "orch ${version}"`)}`,
    '',
  ].join('\n');
}

const deepestCause = 5;

function stackOf(error: unknown, depth: number): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  if (error.cause === undefined || depth >= deepestCause) return own;
  return `${own}\ncaused by: ${stackOf(error.cause, depth + 1)}`;
}
