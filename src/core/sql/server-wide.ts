import type { Fault } from '../fault.ts';
import type { Revision } from '../revision.ts';
import { faultAt } from './position.ts';
import { readStatements } from './script.ts';

/** What a statement changes beyond the database that it runs in. */
const SERVER_WIDE: readonly RegExp[] = [
  /^(?:create|alter|drop)\s+(?:role|user(?!\s+mapping\b)|group|database|tablespace)\b/i,
  /^alter\s+system\b/i,
  // Membership in roles has no ON.
  /^(?:grant|revoke)\b(?!.*\bon\b)/is,
  /^(?:grant|revoke)\b.*?\bon\s+(?:database|tablespace|parameter)\b/is,
  /^(?:comment|security\s+label(?:\s+for\s+\S+)?)\s+on\s+(?:database|role|tablespace)\b/i,
  /^(?:reassign|drop)\s+owned\b/i,
];

/** As much of a statement as tells what it is. */
const HEAD = 2_000;

/**
 * Statements of these revisions that reach beyond their database: to run them in another database of the server would not
 * be without effect on the first. What a function, a DO block or TypeScript does, nobody can read from the text.
 */
export function findServerWide(revisions: readonly Revision[]): readonly Fault[] {
  return revisions.flatMap(({ up }): readonly Fault[] => {
    if (up.language !== 'sql') return [];
    const { text } = up;
    return readStatements(text).flatMap(({ start, end }): readonly Fault[] => {
      const head = withoutComments(text.slice(start, Math.min(end, start + HEAD)));
      if (!SERVER_WIDE.some((pattern) => pattern.test(head))) return [];
      return [faultAt(up.shownFile ?? up.file, text, start, 'reaches beyond its database', undefined)];
    });
  });
}

function withoutComments(statement: string): string {
  return statement
    .replaceAll(/--[^\n]*/g, ' ')
    .replaceAll(/\/\*.*?\*\//gs, ' ')
    .trim();
}
