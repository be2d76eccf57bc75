/**
 * What was found by the look that began last. Looks overlap, and the answers of a holder may come in another order: an
 * older one, which knows nothing of what was begun since, must not replace a newer one.
 */
export class LatestLook<Found> {
  readonly #look: () => Promise<Found>;
  #found: Found;
  #begun = 0;
  #taken = 0;

  constructor(look: () => Promise<Found>, before: Found) {
    this.#look = look;
    this.#found = before;
  }

  get found(): Found {
    return this.#found;
  }

  /** Looks again. Rejects as the look does, and keeps what there was. */
  async renew(): Promise<void> {
    this.#begun += 1;
    const own = this.#begun;
    const found = await this.#look();
    if (own < this.#taken) return;
    this.#taken = own;
    this.#found = found;
  }
}
