/** Time, so that tests need none. */
export interface Clock {
  /** Monotonic, in ms: for durations and deadlines only. */
  now(): number;
  /** Resolves after `ms`, or rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
