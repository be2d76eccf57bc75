/** The labels that Compose puts on the containers it creates; only orch's own project is ever looked at. */
export const labels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  configHash: 'com.docker.compose.config-hash',
  image: 'com.docker.compose.image',
  number: 'com.docker.compose.container-number',
  oneOff: 'com.docker.compose.oneoff',
} as const;

interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
}

/** Label filters of the engine for a project's containers, or for those of one of its services. */
export function labelFilters(project: string, service?: string): readonly string[] {
  const ofProject = `${labels.project}=${project}`;
  return service === undefined ? [ofProject] : [ofProject, `${labels.service}=${service}`];
}

/** The containers of a Compose service, the first replica first; those of `docker compose run` are none. */
export function containersOf<C extends Labelled>(containers: readonly C[], service: string): readonly C[] {
  const number = (container: C): number => Number(container.labels[labels.number] ?? 1);
  return containers
    .filter((container) => container.labels[labels.service] === service)
    .filter((container) => container.labels[labels.oneOff]?.toLowerCase() !== 'true')
    .toSorted((a, b) => number(a) - number(b));
}
