import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.ts';

/** The machine's own monotonic clock. */
export const systemClock: Clock = {
  // Not `performance.now()`: Node loads its whole performance API for that, which takes a ms of a command's start.
  now: () => Number(process.hrtime.bigint()) / 1e6,
  async sleep(ms, signal) {
    try {
      await pause(ms, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};
