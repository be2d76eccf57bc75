/**
 * Says which of many polls of a wait are worth a line: the first after a second, then at growing intervals (each twice as
 * long as the one before, at most a minute), and at once when it waits for something else.
 */
export class WaitPace {
  readonly #waits = new Map<string, { readonly what: string; readonly next: number }>();

  /**
   * @param key what waits, such as a server's name
   * @param what what it waits for; another value makes it news
   * @param waited in ms
   */
  isDue(key: string, what: string, waited: number): boolean {
    const last = this.#waits.get(key);
    // A wait that starts anew under the same key begins again.
    const next = last === undefined || waited < last.next / 4 ? firstLine : last.next;
    if (waited < firstLine) return false;
    if (waited < next && last?.what === what) return false;
    this.#waits.set(key, { what, next: waited + Math.min(Math.max(waited, firstLine), longestPause) });
    return true;
  }

  /** The wait is over: the next one under this key starts anew. */
  end(key: string): void {
    this.#waits.delete(key);
  }
}

const firstLine = 1000;
const longestPause = 60_000;
