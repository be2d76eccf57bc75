import { displayWidth, truncateColumns } from './columns.ts';
import type { Style } from './style.ts';

/** A line of the tree as data: who draws it decides on icons and colours. */
export interface TreeLine {
  /** Stable while the tree lives. */
  readonly key: string;
  readonly state: TreeState;
  readonly parts: readonly TreePart[];
  readonly children: readonly TreeLine[];
}

export type TreeState = 'waiting' | 'running' | 'done' | 'failed' | 'skipped' | 'note';

export interface TreePart {
  /** Clean text. */
  readonly text: string;
  readonly tone: 'plain' | keyof Style;
}

/** The parts of a line, two spaces apart, coloured, cut to `width` columns. */
export function formatParts(parts: readonly TreePart[], style: Style, width: number): string {
  let room = width;
  let line = '';
  for (const part of parts) {
    if (part.text === '') continue;
    const gap = line === '' ? '' : '  ';
    if (room <= gap.length) break;
    room -= gap.length;
    const text = truncateColumns(part.text, room);
    room -= displayWidth(text);
    line += gap + (part.tone === 'plain' ? text : style[part.tone](text));
  }
  return line;
}
