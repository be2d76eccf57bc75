/** What a revision is about, as far as its message tells. */
export interface Subject {
  /** `table`, `column`: what stands in templates where nothing could be told. */
  readonly table: string;
  readonly column: string;
  readonly referred: string;
}

const WORD = '["`]?([a-z_][a-z0-9_]*)["`]?';
const NOISE = '(?:the |a |an )?';

/** Sentences that people write; groups are named `table` and `column`. */
const sentences: readonly RegExp[] = [
  `(?:add|drop|remove|rename|fill|index|backfill)s? ${NOISE}(?:new )?(?:column |field |index on )?(?<column>${WORD})(?: column| field| index)? (?:to|from|in|on|of) ${NOISE}(?:table )?(?<table>${WORD})`,
  `(?:create|add|drop|remove)s? ${NOISE}(?:new )?table (?<table>${WORD})`,
  `(?:create|add|drop|remove)s? ${NOISE}(?:new )?(?<table>${WORD}) table`,
].map((sentence) => new RegExp(`^${sentence}`, 'i'));

/**
 * Reads table and column out of messages such as `add email to users` or `create orders table`, for the examples in a
 * template. A guess costs nothing: it stands in comments only.
 */
export function guessSubject(message: string): Subject {
  for (const sentence of sentences) {
    const groups = sentence.exec(message)?.groups;
    const table = bare(groups?.table);
    if (table === undefined) continue;
    return { table, column: bare(groups?.column) ?? 'column_name', referred: 'other_table' };
  }
  return { table: 'table_name', column: 'column_name', referred: 'other_table' };
}

function bare(word: string | undefined): string | undefined {
  return word?.replaceAll(/["`]/g, '').toLowerCase();
}
