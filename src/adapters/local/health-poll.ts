import { Failure } from '../../core/failure.ts';
import type { Service } from '../../core/project.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ServiceExit } from './state-file.ts';

/** ms that one request may take. */
const requestTimeout = 2000;
/** ms between requests. */
const pause = 100;
/** ms between looks at a process of which nobody has heard yet how it ended. */
const untoldPause = 50;

/** What a health check answered. */
export interface HealthAnswer {
  readonly healthy: boolean;
  /** Such as `503 Service Unavailable` or the network's error code. */
  readonly text: string;
  /** True: nothing listened. */
  readonly refused: boolean;
}

/** Asks the health URL once. */
export async function askHealth(url: string, timeout: number, signal?: AbortSignal): Promise<HealthAnswer> {
  const limit = AbortSignal.timeout(timeout);
  try {
    const response = await fetch(url, {
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      redirect: 'manual',
    });
    await response.body?.cancel();
    return {
      healthy: response.status === 200,
      text: `${response.status} ${response.statusText}`.trim(),
      refused: false,
    };
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    if (limit.aborted) return { healthy: false, text: `no answer within ${timeout} ms`, refused: false };
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    return { healthy: false, text: code, refused: code === 'ECONNREFUSED' };
  }
}

/** What the poll needs to know of a process. */
export interface Polled {
  readonly service: Service;
  /** The last lines that the process wrote. */
  readonly tail: () => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The process now: `running`, how it ended, or undefined where there is none. */
  readonly look: () => Promise<ServiceExit | 'running' | undefined>;
}

/**
 * Resolves once the service's health URL answers 200; at once, if the process runs, where it has none.
 * @throws Failure `service-not-started` where the process ends or is not there, `service-unhealthy` after the timeout
 */
export async function pollHealth(polled: Polled): Promise<void> {
  const { service, clock, signal } = polled;
  const { url, timeout } = service.health;
  const started = clock.now();
  let lastAnswer: string | undefined;
  for (;;) {
    const state = await lookForEnd(polled);
    if (state !== 'running') {
      throw new Failure('service-not-started', {
        service: service.name,
        reason: describeExit(state),
        logTail: await polled.tail(),
      });
    }
    if (url === undefined) return;
    const answer = await askHealth(url, requestTimeout, signal);
    if (answer.healthy) return;
    lastAnswer = answer.text;
    const waited = clock.now() - started;
    if (waited >= timeout) {
      const logTail = await polled.tail();
      throw new Failure('service-unhealthy', {
        service: service.name,
        state: 'running',
        url,
        lastAnswer,
        logTail,
        waited,
      });
    }
    await clock.sleep(pause, signal);
  }
}

/** Looks shortly again where a process is gone and nobody has heard yet how: its holder reads its last words first. */
async function lookForEnd({ look, clock, signal }: Polled): Promise<ServiceExit | 'running' | undefined> {
  let state = await look();
  for (let tries = 0; tries < 10 && isUntold(state); tries += 1) {
    await clock.sleep(untoldPause, signal);
    state = await look();
  }
  return state;
}

function isUntold(state: ServiceExit | 'running' | undefined): boolean {
  return typeof state === 'object' && state.exitCode === undefined && state.signal === undefined;
}

function describeExit(exit: ServiceExit | undefined): string {
  if (exit === undefined) return 'its process does not run';
  if (exit.signal !== undefined) return `its process was ended by ${exit.signal}`;
  return exit.exitCode === undefined ? 'its process ended' : `its process ended with exit code ${exit.exitCode}`;
}
