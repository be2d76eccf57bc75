import type { Document, Node, Pair } from 'yaml';
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { ConfigPath, TextRange } from './config-document.ts';

/** Where a node stands, without the comments and spaces around it. */
export function rangeOfNode(node: Node | null | undefined): TextRange {
  return { start: node?.range?.[0] ?? 0, end: node?.range?.[1] ?? 0 };
}

/** Where the key or value at a path stands; of a missing key, the key of the mapping that should have it. */
export function findRange(parsed: Document.Parsed, path: ConfigPath, part: 'key' | 'value'): TextRange {
  let range = rangeOfNode(parsed.contents);
  let node: Node | null | undefined = parsed.contents;
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(parsed);
    const isLast = index === path.length - 1;
    if (isSeq(node) && typeof step === 'number') {
      node = node.items[step] as Node | undefined;
    } else if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => isScalar(item.key) && item.key.value === step);
      if (pair === undefined) return range;
      const value = pair.value as Node | null;
      // An empty value stands nowhere: its key stands for it. So does the key of a mapping from which one is missing.
      if ((isLast && part === 'key') || value === null) return rangeOfNode(pair.key as Node);
      range = rangeOfNode(pair.key as Node);
      node = value;
    } else {
      return range;
    }
    if (node === undefined || node === null) return range;
    if (isLast) return isEmptyRange(node) ? range : rangeOfNode(node);
  }
  return range;
}

function isEmptyRange(node: Node): boolean {
  const { start, end } = rangeOfNode(node);
  return start === end;
}
