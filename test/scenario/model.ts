/** What a revision folder holds, as the model has it. */
export interface ModelFile {
  readonly number: number;
  /** Numbers that its `parents` line names; undefined: it has no such line. */
  readonly explicit: readonly number[] | undefined;
  up: number;
  /** Undefined: there is no down file. */
  down: number | undefined;
}

interface ModelRow {
  parents: readonly string[];
  up: number;
  down: number | undefined;
  gone: boolean;
}

export const nameOf = (number: number): string => `${String(number).padStart(3, '0')}_r`;

/**
 * The rules of the specification, written down as plainly as they go: sets of names, no graph library, no laziness.
 * Each command gives true where orch must succeed; where it gives false nothing has changed.
 */
export class Model {
  readonly files = new Map<string, ModelFile>();
  readonly ledger = new Map<string, ModelRow>();
  readonly tables = new Set<string>();
  /** Each down that ran, with its version. */
  readonly trace: string[] = [];

  parentsOf(file: ModelFile): readonly string[] {
    if (file.explicit !== undefined) return file.explicit.map(nameOf);
    const lower = [...this.files.values()].map(({ number }) => number).filter((number) => number < file.number);
    return lower.length === 0 ? [] : [nameOf(Math.max(...lower))];
  }

  heads(): readonly string[] {
    const parents = new Set([...this.files.values()].flatMap((file) => this.parentsOf(file)));
    return [...this.files.keys()].filter((name) => !parents.has(name)).sort();
  }

  ledgerHeads(): readonly string[] {
    const parents = new Set([...this.ledger.values()].flatMap((row) => row.parents));
    return [...this.ledger.keys()].filter((name) => !parents.has(name)).sort();
  }

  isChanged(name: string): boolean {
    const [file, row] = [this.files.get(name), this.ledger.get(name)];
    return file !== undefined && row !== undefined && file.up !== row.up;
  }

  isMissing(name: string): boolean {
    return this.ledger.get(name)?.gone === false && !this.files.has(name);
  }

  /** Unapplied, with an applied revision above. */
  late(): readonly string[] {
    const below = this.#below([...this.ledger.keys()]);
    return [...this.files.keys()].filter((name) => below.has(name) && !this.ledger.has(name));
  }

  migrate(target: string, allowOutOfOrder: boolean): boolean {
    const wanted = this.#wanted(target);
    const isBad = [...this.ledger.keys()].some((name) => this.isChanged(name) || this.isMissing(name));
    if (wanted === undefined || isBad || (this.late().length > 0 && !allowOutOfOrder)) return false;
    for (const name of wanted) {
      if (this.ledger.has(name)) continue;
      this.#put(name);
      this.tables.add(name);
    }
    this.#relink();
    return true;
  }

  downgrade(target: string): boolean {
    const kept = this.#kept(target);
    if (kept === undefined) return false;
    const reverted = [...this.ledger.keys()].filter((name) => !kept.has(name));
    const downs = reverted.map((name) => this.ledger.get(name)?.down ?? this.files.get(name)?.down);
    if (downs.includes(undefined)) return false;
    for (const [index, name] of reverted.entries()) {
      this.ledger.delete(name);
      this.tables.delete(name);
      this.trace.push(`${name} ${downs[index]}`);
    }
    return true;
  }

  stamp(target: string, purge: boolean): boolean {
    const wanted = this.#wanted(target);
    if (wanted === undefined) return false;
    if (!purge && [...this.ledger.keys()].some((name) => this.isMissing(name))) return false;
    for (const name of [...this.ledger.keys()]) {
      if (purge || (this.files.has(name) && !wanted.has(name))) this.ledger.delete(name);
    }
    const changes = purge || [...wanted].some((name) => !this.ledger.has(name));
    for (const name of wanted) if (!this.ledger.has(name)) this.#put(name);
    if (changes) this.#relink();
    return true;
  }

  accept(name: string): boolean {
    const [file, row] = [this.files.get(name), this.ledger.get(name)];
    if (row === undefined) return false;
    if (file === undefined) {
      if (row.gone) return false;
      row.gone = true;
      return true;
    }
    if (file.up === row.up && file.down === row.down && !row.gone) return false;
    this.#put(name);
    return true;
  }

  #put(name: string): void {
    const file = this.files.get(name) as ModelFile;
    this.ledger.set(name, { parents: this.parentsOf(file), up: file.up, down: file.down, gone: false });
  }

  /** Once a revision came in below, the ledger has the order of the files; what is gone from them stays a parent. */
  #relink(): void {
    for (const [name, row] of this.ledger) {
      const file = this.files.get(name);
      if (file === undefined || file.up !== row.up) continue;
      const gone = row.parents.filter((parent) => !this.files.has(parent) && this.ledger.has(parent));
      const parents = [...new Set([...this.parentsOf(file), ...gone])];
      if (parents.every((parent) => this.ledger.has(parent))) row.parents = parents;
    }
  }

  #below(names: readonly string[]): Set<string> {
    const found = new Set<string>();
    const left = [...names];
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      const file = this.files.get(name);
      if (file === undefined || found.has(name)) continue;
      found.add(name);
      left.push(...this.parentsOf(file));
    }
    return found;
  }

  /** Undefined: the target is no clear one. */
  #wanted(target: string): ReadonlySet<string> | undefined {
    const heads = this.heads();
    if (target === 'base') return new Set();
    if (target === 'heads') return this.#below(heads);
    if (target === 'head') return heads.length > 1 ? undefined : this.#below(heads);
    return this.files.has(target) ? this.#below([target]) : undefined;
  }

  /** What stays, along the ledger's own parents. */
  #kept(target: string): ReadonlySet<string> | undefined {
    const heads = this.ledgerHeads();
    if (target === 'base') return new Set();
    if (target === '-1') {
      const [head] = heads;
      return heads.length === 1 && head !== undefined
        ? new Set([...this.ledger.keys()].filter((name) => name !== head))
        : undefined;
    }
    if (!this.ledger.has(target)) return undefined;
    const kept = new Set<string>();
    const left = [target];
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (kept.has(name) || !this.ledger.has(name)) continue;
      kept.add(name);
      left.push(...(this.ledger.get(name)?.parents ?? []));
    }
    return kept;
  }
}
