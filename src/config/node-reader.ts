import type { Alias, Document, Node, Pair } from 'yaml';
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { TextRange } from './config-document.ts';
import { rangeOfNode } from './node-range.ts';

const MAX_DEPTH = 20;
const MAX_NODES = 10_000;
const MAX_ALIASES = 100;

/** Something in the file that YAML allows and we don't. */
export interface NodeProblem {
  readonly range: TextRange;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Turns the nodes of one document into a value, within bounds that a small file with aliases could break. */
export class NodeReader {
  readonly #parsed: Document.Parsed;
  readonly #problems: NodeProblem[] = [];
  #nodes = 0;
  #aliases = 0;
  #isTooMuch = false;

  constructor(parsed: Document.Parsed) {
    this.#parsed = parsed;
  }

  /** `value` undefined: empty, or too much. */
  read(): { readonly value: unknown; readonly problems: readonly NodeProblem[] } {
    const { contents, directives } = this.#parsed;
    if (directives?.yaml.explicit === true && directives.yaml.version !== '1.2') {
      this.#problem(null, 'only YAML 1.2 is read', 'Take the %YAML line out.');
    }
    if (contents === null || (isScalar(contents) && contents.value === null)) {
      this.#problem(null, 'the file is empty');
      return { value: undefined, problems: this.#problems };
    }
    const value = this.#value(contents, 0);
    return { value: this.#isTooMuch ? undefined : value, problems: this.#problems };
  }

  #value(node: Node | null, depth: number): unknown {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) this.#tooMuch(node, `the file has more than ${MAX_NODES} values`);
    if (depth > MAX_DEPTH) this.#tooMuch(node, `nested more than ${MAX_DEPTH} levels deep`);
    if (this.#isTooMuch || node === null) return null;
    if (isAlias(node)) return this.#aliased(node, depth);
    if (node.tag !== undefined && !isPlainTag(node.tag)) {
      this.#problem(node, 'a tag such as !name is not taken', 'Write the value without it.');
    }
    if (isMap(node)) return this.#mapping(node.items, depth);
    if (isSeq(node)) return node.items.map((item) => this.#value(item as Node | null, depth + 1));
    return isScalar(node) ? node.value : null;
  }

  #aliased(node: Alias, depth: number): unknown {
    this.#aliases += 1;
    if (this.#aliases > MAX_ALIASES) this.#tooMuch(node, `the file has more than ${MAX_ALIASES} aliases`);
    if (this.#isTooMuch) return null;
    const target = node.resolve(this.#parsed);
    if (target !== undefined) return this.#value(target, depth + 1);
    this.#problem(node, 'this alias names no anchor that stands before it');
    return null;
  }

  #mapping(items: readonly Pair[], depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = Object.create(null);
    for (const item of items) {
      const keyNode = item.key as Node | null;
      const key = isScalar(keyNode) ? String(keyNode.value ?? '') : '';
      if (key === '__proto__') this.#problem(keyNode, "the key '__proto__' is not taken");
      else if (Object.hasOwn(result, key)) this.#problem(keyNode, 'this key stands here twice', 'Keep one of the two.');
      else result[key] = this.#value(item.value as Node | null, depth + 1);
    }
    return result;
  }

  /** Says so once: what follows is passed over. */
  #tooMuch(node: Node | null, message: string): void {
    if (!this.#isTooMuch) this.#problem(node, message);
    this.#isTooMuch = true;
  }

  #problem(node: Node | null, message: string, hint?: string): void {
    this.#problems.push({ range: rangeOfNode(node), message, hint });
  }
}

function isPlainTag(tag: string): boolean {
  return /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/.test(tag);
}
