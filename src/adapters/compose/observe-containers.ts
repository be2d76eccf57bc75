import { Failure } from '../../core/failure.ts';
import type { ObservedContainer } from '../../core/observed.ts';
import type { Service } from '../../core/project.ts';
import type { InspectedContainer } from './engine-shapes.ts';
import { isCrashing } from './health.ts';
import { containersOf, labelFilters } from './labels.ts';
import { findPublishedUrl } from './published-url.ts';
import type { WayContext } from './way.ts';

/** The containers of these Compose services, from one listing; a service without any is left out. */
export async function inspectContainers(
  context: WayContext,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, InspectedContainer>> {
  const listed = await context.engine.listContainers(labelFilters(context.composeProject), signal);
  const inspected = await Promise.all(
    [...new Set(names)].map(async (name) => {
      const [first] = containersOf(listed, name);
      const container = first === undefined ? undefined : await context.engine.findContainer(first.id, signal);
      return [name, container] as const;
    }),
  );
  return new Map(inspected.flatMap(([name, container]) => (container === undefined ? [] : [[name, container]])));
}

/** @throws Failure `service-not-started` where there is none */
export async function requireContainer(
  context: WayContext,
  service: string,
  name: string,
  signal: AbortSignal,
): Promise<InspectedContainer> {
  const container = (await inspectContainers(context, [name], signal)).get(name);
  if (container !== undefined) return container;
  const reason = `project ${context.composeProject} has no container of the Compose service ${name}`;
  throw new Failure('service-not-started', { service, reason, logTail: [] });
}

/** Stops the containers of these Compose services, all at once. @returns the names of those that ran */
export async function stopContainers(context: WayContext, names: readonly string[]): Promise<readonly string[]> {
  const listed = await context.engine.listContainers(labelFilters(context.composeProject));
  const running = names
    .flatMap((name) => containersOf(listed, name))
    .filter(({ state }) => state === 'running' || state === 'restarting' || state === 'paused');
  await Promise.all(
    running.map(async ({ id }) => {
      const container = await context.engine.findContainer(id);
      await context.engine.stopContainer(id, container?.stopTimeout);
    }),
  );
  return running.map((container) => container.name);
}

/** What the planner gets; `fresh`: whether image and config are the project's, and whether the image must be made first. */
export function describeContainer(
  context: WayContext,
  service: Service,
  container: InspectedContainer | undefined,
  fresh: { readonly upToDate: boolean; readonly imageMissing: boolean; readonly image: string | undefined },
): ObservedContainer {
  if (container === undefined) {
    return { state: 'absent', health: 'none', url: undefined, id: undefined, ...fresh };
  }
  const url = findPublishedUrl(container.ports, service.health.url, context.engineHost);
  return {
    // Between two crashes it reads `running`: that must not pass for a service that is up.
    state: container.state === 'running' && isCrashing(container) ? 'restarting' : container.state,
    health: container.health,
    url: container.state === 'running' ? url : undefined,
    id: container.id.slice(0, 12),
    ...fresh,
    image: container.image,
  };
}
