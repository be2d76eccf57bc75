import type { ObservedContainer } from '../observed.ts';
import type { Draft } from './draft.ts';

type StartAction = 'create' | 'recreate' | 'start';

/** Adds what starts the service's container and waits for its health. Adds nothing where a current one is up and healthy. */
export function planContainer(draft: Draft, container: ObservedContainer, needs: readonly string[]): void {
  const start = startOf(container);
  if (start === undefined && isSettled(container)) return;
  draft.waitFor(needs);
  if (start !== undefined) draft.add('start-service', start.because, { action: start.action });
  draft.add('wait-healthy', start === undefined ? 'it is not healthy yet' : 'it was started', {});
}

/** True: nothing has to be awaited. */
function isSettled(container: ObservedContainer): boolean {
  return container.state === 'running' && (container.health === 'healthy' || container.health === 'none');
}

function startOf(container: ObservedContainer): { readonly action: StartAction; readonly because: string } | undefined {
  if (container.state === 'absent') return { action: 'create', because: 'there is no container' };
  if (!container.upToDate) return { action: 'recreate', because: 'its image or config has changed' };
  if (container.state === 'running' || container.state === 'restarting') return undefined;
  return { action: 'start', because: `its container is ${container.state}` };
}
