/** What a new file says of itself, one `orch:` line each. */
export interface HeadLines {
  readonly message: string;
  /** As the directive takes them; empty: `none`; undefined: no line, the next lower number is the parent. */
  readonly parents: readonly string[] | undefined;
  /** Undefined: not known. */
  readonly author: string | undefined;
  /** ISO 8601. */
  readonly created: string;
}

/** The head of a new revision file, without a line end at its end. */
export function formatHead(head: HeadLines, marker: '--' | '//'): string {
  const lines: readonly (readonly [key: string, value: string | undefined])[] = [
    ['message', head.message],
    ['parents', formatParents(head.parents)],
    ['author', head.author],
    ['created', head.created],
  ];
  return lines.flatMap(([key, value]) => (value === undefined ? [] : [`${marker} orch: ${key} ${value}`])).join('\n');
}

/** The value of a `parents` line; undefined: there is to be none. */
export function formatParents(parents: readonly string[] | undefined): string | undefined {
  if (parents === undefined) return undefined;
  return parents.length === 0 ? 'none' : parents.join(' ');
}

/**
 * A message as one line: white space runs together, and what would lie in a terminal (escapes, direction marks) goes.
 * Empty: nothing is left to call the revision by.
 */
export function plainMessage(text: string): string {
  return text
    .normalize('NFC')
    .replaceAll(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/[\p{Cf}\uFFFD]/gu, '')
    .trim();
}
