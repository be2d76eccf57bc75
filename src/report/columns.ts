import { eastAsianWidth } from 'get-east-asian-width';

/** Text in columns of a terminal: a CJK character or an emoji takes two, a combining mark none. */

const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours are what is looked for
const colors = /\u001b\[[0-9;]*m/g;

/** How many columns the text takes on a terminal; colours take none. */
export function displayWidth(text: string): number {
  const bare = text.replace(colors, '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the fast path is for ASCII, whatever it is
  if (/^[\u0000-\u007f]*$/.test(bare)) return bare.length;
  let width = 0;
  for (const character of bare) width += zeroWidth.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0);
  return width;
}

/** The text cut to `width` columns, the last one then being `…`. Takes text without colours. */
export function truncateColumns(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    used += displayWidth(character);
    if (used > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

export interface Column {
  readonly title: string;
  /** `right`: numbers and durations. */
  readonly align?: 'left' | 'right';
}

/**
 * Rows below their titles, aligned, two spaces between columns, no space at a line's end. A column without any content is
 * left out.
 */
export function alignColumns(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const shown = columns
    .map((column, at) => ({ column, at }))
    .filter(({ at }) => rows.some((row) => (row[at] ?? '') !== ''));
  const widths = shown.map(({ column, at }) =>
    Math.max(displayWidth(column.title), ...rows.map((row) => displayWidth(row[at] ?? ''))),
  );
  const line = (cellOf: (at: number, column: Column) => string): string =>
    shown
      .map(({ column, at }, index) => {
        const cell = cellOf(at, column);
        const padding = ' '.repeat(Math.max(0, (widths[index] ?? 0) - displayWidth(cell)));
        return column.align === 'right' ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return [line((_, column) => column.title), ...rows.map((row) => line((at) => row[at] ?? ''))];
}
