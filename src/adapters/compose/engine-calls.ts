/** One call of the Docker Engine's HTTP API: `{id}` and `{name}` stand for what is put in. */
export interface EngineCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
}

/**
 * Every call that this adapter itself makes to the engine. Whoever puts a filtering proxy in front of the socket allows
 * these and no others; the contract tests hold the adapter to the list. (The Compose CLI, where it is used, makes its own.)
 */
export const engineCalls = {
  ping: { method: 'GET', path: '/_ping' },
  listContainers: { method: 'GET', path: '/containers/json' },
  inspectContainer: { method: 'GET', path: '/containers/{id}/json' },
  containerLogs: { method: 'GET', path: '/containers/{id}/logs' },
  startContainer: { method: 'POST', path: '/containers/{id}/start' },
  stopContainer: { method: 'POST', path: '/containers/{id}/stop' },
  /** Only for a container that a failed start of this run left behind, never started. */
  removeContainer: { method: 'DELETE', path: '/containers/{id}' },
  inspectImage: { method: 'GET', path: '/images/{name}/json' },
  events: { method: 'GET', path: '/events' },
} as const satisfies Readonly<Record<string, EngineCall>>;
