import { Failure } from '../../core/failure.ts';
import type { Clock } from '../../ports/clock.ts';
import { type EngineClient, EngineRefusal } from './engine-client.ts';
import type { InspectedContainer } from './engine-shapes.ts';
import { probeUrl } from './http-probe.ts';
import { labelFilters } from './labels.ts';

/** One wait for one service's container. Times in ms. */
interface HealthWait {
  readonly service: string;
  /** Compose's names of the project and the service, for the event filter. */
  readonly project: string;
  readonly container: string;
  readonly containerId: string;
  /** Asked besides the container's own health check; undefined: not. */
  readonly url: string | undefined;
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** Between two looks where no event comes. */
const interval = 250;
/** A container without any health check counts as healthy when it has run this long without an end. */
const settling = 2000;
/** The engine waits longer and longer between restarts, and starts afresh once a container has run for 10 s. */
const restartMemory = 10_000;
const tailLength = 20;

interface Watched {
  readonly startedAt: string;
  /** When this start was first seen, by the run's clock. */
  readonly seen: number;
  /** Restarts that were before this wait and don't count. */
  readonly oldRestarts: number;
}

/**
 * Waits until the container is healthy and, where a URL is given, that answers 200, both in one and the same run of the
 * container: a crash loop reads `running` in a quarter of all looks.
 * @throws Failure `service-unhealthy` at the first of: it ended, it crashes again and again, unhealthy, timeout
 */
export async function waitForHealth(engine: EngineClient, clock: Clock, wait: HealthWait): Promise<InspectedContainer> {
  const began = clock.now();
  const bell = new Bell();
  const watching = new AbortController();
  const signal = AbortSignal.any([wait.signal, watching.signal]);
  const ringing = ringOnEvents(engine, wait, bell, signal);
  try {
    let watched: Watched | undefined;
    for (;;) {
      const look = await lookAt(engine, clock, wait, watched);
      if (look.healthy !== undefined) return look.healthy;
      const waited = clock.now() - began;
      if (look.ended || waited >= wait.timeout) throw await unhealthy(engine, wait, look, waited);
      watched = look.watched;
      await bell.wait(clock, interval, wait.signal);
    }
  } finally {
    watching.abort();
    await ringing;
  }
}

interface Look {
  readonly healthy?: InspectedContainer;
  readonly container: InspectedContainer | undefined;
  readonly state: string;
  readonly ended: boolean;
  readonly answer: string | undefined;
  readonly watched: Watched | undefined;
}

async function lookAt(
  engine: EngineClient,
  clock: Clock,
  wait: HealthWait,
  before: Watched | undefined,
): Promise<Look> {
  const container = await engine.findContainer(wait.containerId, wait.signal);
  if (container === undefined) {
    return { container, state: 'gone: its container was removed', ended: true, answer: undefined, watched: before };
  }
  const watched = remember(before, container, clock.now());
  const end = findEnd(container, watched);
  const answer = container.healthOutput;
  if (end !== undefined) return { container, state: end, ended: true, answer, watched };
  const state = container.health === 'starting' ? 'still starting' : container.state;
  if (!isWell(container, watched, wait, clock.now())) return { container, state, ended: false, answer, watched };
  if (wait.url === undefined) return { healthy: container, container, state, ended: false, answer, watched };
  const probe = await probeUrl(wait.url, 2000, wait.signal);
  const after = probe.ok ? await engine.findContainer(wait.containerId, wait.signal) : undefined;
  // Another program, or the run before a crash, may have answered.
  const same = after?.state === 'running' && after.startedAt === container.startedAt;
  return { ...(same ? { healthy: after } : {}), container, state, ended: false, answer: probe.text, watched };
}

function remember(before: Watched | undefined, container: InspectedContainer, now: number): Watched {
  if (before === undefined) {
    const recent = container.state === 'restarting' || isRecent(container);
    return { startedAt: container.startedAt, seen: now, oldRestarts: recent ? 0 : container.restarts };
  }
  return before.startedAt === container.startedAt ? before : { ...before, startedAt: container.startedAt, seen: now };
}

function isRecent(container: InspectedContainer): boolean {
  return Date.now() - Date.parse(container.startedAt) < restartMemory;
}

/** True: it runs just now, but the engine has restarted it a moment ago. */
export function isCrashing(container: InspectedContainer): boolean {
  return container.restarts > 0 && container.health !== 'healthy' && isRecent(container);
}

/** Why it won't become healthy; undefined: it still may. One restart is forgiven: many services start before their time. */
function findEnd(container: InspectedContainer, watched: Watched): string | undefined {
  const restarts = container.restarts - watched.oldRestarts;
  if (restarts >= 2) return `in a crash loop (${restarts} restarts, last exit code ${container.exitCode})`;
  if (container.state === 'exited' || container.state === 'dead') return `exited with code ${container.exitCode}`;
  return container.health === 'unhealthy' ? 'unhealthy' : undefined;
}

function isWell(container: InspectedContainer, watched: Watched, wait: HealthWait, now: number): boolean {
  if (container.state !== 'running') return false;
  if (container.health !== 'none') return container.health === 'healthy';
  return wait.url !== undefined || now - watched.seen >= settling;
}

async function unhealthy(engine: EngineClient, wait: HealthWait, look: Look, waited: number): Promise<Failure> {
  const logTail = look.container === undefined ? [] : await tailLog(engine, look.container, wait.signal);
  const lastAnswer = wait.url === undefined ? look.answer : await lastAnswerOf(wait.url, look, wait.signal);
  return new Failure('service-unhealthy', {
    service: wait.service,
    state: look.state,
    url: wait.url,
    lastAnswer,
    logTail,
    waited,
  });
}

/**
 * What the URL itself says: a container's own check that fails keeps it from being asked before, and its output is
 * seldom more than an exit code. Of a container that does not run another program's answer would be worse than none.
 */
async function lastAnswerOf(url: string, look: Look, signal: AbortSignal): Promise<string | undefined> {
  if (look.container?.state !== 'running') return undefined;
  return (await probeUrl(url, 2000, signal)).text;
}

/** The last lines of a container's log; none where its log driver keeps none. */
async function tailLog(
  engine: EngineClient,
  container: InspectedContainer,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const lines: string[] = [];
  try {
    const log = engine.logs(container.id, { tty: container.tty, follow: false, tail: tailLength, signal });
    for await (const entry of log) lines.push(entry.text);
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
  }
  return lines.slice(-tailLength);
}

/** Wakes whoever waits, and only once. */
class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves when the bell is rung or was since the last wait, or after `ms`. Rejects with the signal's reason. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung) {
      const waking = new AbortController();
      this.#wake = () => waking.abort();
      await clock.sleep(ms, AbortSignal.any([signal, waking.signal])).catch((error: unknown) => {
        if (!waking.signal.aborted || signal.aborted) throw error;
      });
      this.#wake = undefined;
    }
    this.#rung = false;
    signal.throwIfAborted();
  }
}

/** Only to look sooner. Where the event stream fails, the looks go on and meet the same fault themselves. */
async function ringOnEvents(engine: EngineClient, wait: HealthWait, bell: Bell, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of engine.events(labelFilters(wait.project, wait.container), signal)) {
      if (!event.action.startsWith('exec_')) bell.ring();
    }
  } catch {
    return;
  }
}
