import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.ts';

/** The machine's own monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await pause(ms, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};
