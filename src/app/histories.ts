import { Failure } from '../core/failure.ts';
import { type History, historyOf } from '../core/planners/upgrade.ts';
import type { Project, Service } from '../core/project.ts';
import type { RevisionStore } from '../ports/revision-store.ts';

/**
 * Reads the revision files of these services, in parallel. A service whose files are at fault has its failure instead:
 * the others can go on. Seeds are taken up in development only.
 */
export async function loadHistories(
  store: RevisionStore,
  project: Project,
  services: readonly Service[],
): Promise<ReadonlyMap<string, History | Failure>> {
  const entries = services.map(async (service): Promise<[string, History | Failure]> => {
    try {
      const { revisions, seeds } = await store.load(service);
      return [service.name, historyOf(revisions, project.environment === 'development' ? seeds : [])];
    } catch (error) {
      if (error instanceof Failure) return [service.name, error];
      throw error;
    }
  });
  return new Map(await Promise.all(entries));
}
