/** Chance, so that tests need none. */
export interface Random {
  /** From 0 up to, and without, 1. */
  next(): number;
}
