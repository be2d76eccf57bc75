import type { ContainerState } from '../../core/observed.ts';

/** A published port of a container. */
export interface PublishedPort {
  readonly host: string;
  readonly port: number;
  readonly containerPort: number;
}

/** A row of `GET /containers/json`. */
export interface ListedContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
}

/** What `GET /containers/{id}/json` says, as far as it is used. */
export interface InspectedContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  readonly exitCode: number;
  /** What the engine says about a start that failed; empty: nothing. */
  readonly error: string;
  /** ISO 8601, the engine's clock. */
  readonly startedAt: string;
  /** Restarts by the container's restart policy. */
  readonly restarts: number;
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** Output of the last health check. */
  readonly healthOutput: string | undefined;
  readonly tty: boolean;
  /** In seconds; undefined: the engine's own default (10). */
  readonly stopTimeout: number | undefined;
  /** The image's name as it was given, and its id. */
  readonly image: string;
  readonly imageId: string;
  readonly ports: readonly PublishedPort[];
}

/** An event of a container, such as `die` or `health_status: healthy`. */
export interface EngineEvent {
  readonly action: string;
  readonly container: string;
  readonly labels: Readonly<Record<string, string>>;
}

type Fields = Readonly<Record<string, unknown>>;

/** Thrown where an answer is no such thing; the client turns it into a failure. */
export class MalformedAnswer extends Error {
  constructor(what: string) {
    super(`the answer is malformed: ${what}`);
    this.name = 'MalformedAnswer';
  }
}

/** @throws MalformedAnswer */
export function parseContainerList(value: unknown): readonly ListedContainer[] {
  if (!Array.isArray(value)) throw new MalformedAnswer('no list of containers');
  return value.map((item: unknown) => {
    const row = fields(item);
    const names = Array.isArray(row.Names) ? row.Names : [];
    return {
      id: requireText(row.Id, 'a container without Id'),
      name: text(names[0]).replace(/^\//, ''),
      labels: texts(row.Labels),
      state: stateOf(row.State),
    };
  });
}

/** @throws MalformedAnswer */
export function parseContainer(value: unknown): InspectedContainer {
  const all = fields(value);
  const state = fields(all.State);
  const config = fields(all.Config);
  const health = fields(state.Health);
  return {
    id: requireText(all.Id, 'a container without Id'),
    name: text(all.Name).replace(/^\//, ''),
    labels: texts(config.Labels),
    state: stateOf(requireText(state.Status, 'a container without State.Status')),
    exitCode: number(state.ExitCode),
    error: text(state.Error),
    startedAt: text(state.StartedAt),
    restarts: number(all.RestartCount),
    health: healthOf(health.Status),
    healthOutput: lastOutput(health.Log),
    tty: config.Tty === true,
    stopTimeout: typeof config.StopTimeout === 'number' ? config.StopTimeout : undefined,
    image: text(config.Image),
    imageId: text(all.Image),
    ports: portsOf(fields(all.NetworkSettings).Ports),
  };
}

/** @throws MalformedAnswer */
export function parseImageId(value: unknown): string {
  return requireText(fields(value).Id, 'an image without Id');
}

/** @throws MalformedAnswer */
export function parseEvent(value: unknown): EngineEvent {
  const all = fields(value);
  const actor = fields(all.Actor);
  return {
    action: requireText(all.Action, 'an event without Action'),
    container: text(actor.ID),
    labels: texts(actor.Attributes),
  };
}

const states: Readonly<Record<string, ContainerState>> = {
  created: 'created',
  running: 'running',
  restarting: 'restarting',
  exited: 'exited',
  paused: 'paused',
  dead: 'dead',
  removing: 'dead',
  // Podman's engine API has these of its own.
  configured: 'created',
  initialized: 'created',
  stopped: 'exited',
};

function stateOf(value: unknown): ContainerState {
  const state = states[text(value)];
  if (state === undefined) throw new MalformedAnswer(`unknown container state ${JSON.stringify(value)}`);
  return state;
}

function healthOf(value: unknown): InspectedContainer['health'] {
  return value === 'starting' || value === 'healthy' || value === 'unhealthy' ? value : 'none';
}

function lastOutput(value: unknown): string | undefined {
  const last: unknown = Array.isArray(value) ? value.at(-1) : undefined;
  if (last === undefined) return undefined;
  return text(fields(last).Output).trim() || `exit code ${number(fields(last).ExitCode)}`;
}

function portsOf(value: unknown): readonly PublishedPort[] {
  return Object.entries(fields(value)).flatMap(([name, bindings]) => {
    const [containerPort, protocol] = name.split('/');
    if (protocol !== 'tcp' || !Array.isArray(bindings)) return [];
    return bindings.map((binding: unknown) => ({
      host: text(fields(binding).HostIp),
      port: Number(text(fields(binding).HostPort)),
      containerPort: Number(containerPort),
    }));
  });
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields(value)).map(([name, item]) => [name, text(item)]));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function requireText(value: unknown, fault: string): string {
  if (typeof value !== 'string' || value === '') throw new MalformedAnswer(fault);
  return value;
}
