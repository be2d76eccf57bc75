import { expect, it } from 'vitest';
import { pollHealth } from '../../src/adapters/local/health-poll.ts';
import type { ServiceExit } from '../../src/adapters/local/state-file.ts';
import type { Service } from '../../src/core/project.ts';
import type { Clock } from '../../src/ports/clock.ts';

const service = { name: 'api', health: { url: undefined, timeout: 1_000 } } as unknown as Service;
const clock = { now: () => 0, sleep: async () => undefined } as unknown as Clock;
const untold: ServiceExit = { exitCode: undefined, signal: undefined };

function poll(states: readonly (ServiceExit | 'running')[]): Promise<void> {
  let looks = 0;
  return pollHealth({
    service,
    clock,
    signal: new AbortController().signal,
    tail: async () => [],
    look: async () => states[Math.min(looks++, states.length - 1)],
  });
}

it('a process that is gone is told with its exit code, also where that is heard a little later', async () => {
  await expect(poll([untold, untold, { exitCode: 7, signal: undefined }])).rejects.toMatchObject({
    code: 'service-not-started',
    details: { reason: 'its process ended with exit code 7' },
  });
});

it('a process of which nobody hears how it ended is told as that', async () => {
  await expect(poll([untold])).rejects.toMatchObject({ details: { reason: 'its process ended' } });
});
