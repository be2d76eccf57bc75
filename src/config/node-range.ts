import type { Document, Node, Pair } from 'yaml';
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { ConfigPath, TextRange } from './config-document.ts';

/** Where a node stands, without the comments and spaces around it. */
export function rangeOfNode(node: Node | null | undefined): TextRange {
  return { start: node?.range?.[0] ?? 0, end: node?.range?.[1] ?? 0 };
}

/** Where the key or value at a path stands; of a missing key, the key of the mapping that should have it. */
export function findRange(parsed: Document.Parsed, path: ConfigPath, part: 'key' | 'value'): TextRange {
  let node: Node | null | undefined = parsed.contents;
  let range = rangeOfNode(node);
  for (const [index, step] of path.entries()) {
    const found = findStep(isAlias(node) ? node.resolve(parsed) : node, step);
    if (found === undefined) return range;
    const isLast = index === path.length - 1;
    // An empty value stands nowhere: its key stands for it. So does the key of a mapping from which one is missing.
    if (found.key !== undefined) range = rangeOfNode(found.key);
    if ((isLast && part === 'key') || isNowhere(found.value)) return range;
    if (isLast) return rangeOfNode(found.value);
    node = found.value;
  }
  return range;
}

interface Step {
  /** Undefined: an item of a list. */
  readonly key: Node | undefined;
  readonly value: Node | null | undefined;
}

function findStep(node: Node | null | undefined, step: string | number): Step | undefined {
  if (isSeq(node) && typeof step === 'number') return { key: undefined, value: node.items[step] as Node | undefined };
  if (!isMap(node)) return undefined;
  const pair: Pair | undefined = node.items.find((item) => isScalar(item.key) && item.key.value === step);
  return pair && { key: pair.key as Node, value: pair.value as Node | null };
}

function isNowhere(node: Node | null | undefined): boolean {
  const { start, end } = rangeOfNode(node);
  return start === end;
}
