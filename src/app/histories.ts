import { Failure } from '../core/failure.ts';
import { type History, historyOf } from '../core/planners/upgrade.ts';
import type { Project, Service } from '../core/project.ts';
import type { Revision } from '../core/revision.ts';
import { withValues } from '../core/variables.ts';
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
      const { revisions, seeds } = await loadFilled(store, service);
      return [service.name, historyOf(revisions, project.environment === 'development' ? seeds : [])];
    } catch (error) {
      if (error instanceof Failure) return [service.name, error];
      throw error;
    }
  });
  const histories = new Map(await Promise.all(entries));
  requireNamed(project.set ?? [], histories);
  return histories;
}

async function loadFilled(
  store: RevisionStore,
  service: Service,
): Promise<{ readonly revisions: readonly Revision[]; readonly seeds: readonly Revision[] }> {
  const { revisions, seeds } = await store.load(service);
  const fill = (revision: Revision): Revision => withValues(revision, service.variables ?? {});
  return { revisions: revisions.map(fill), seeds: seeds.map(fill) };
}

/** A misspelt `--set` would leave the config's value in place. */
function requireNamed(set: readonly string[], histories: ReadonlyMap<string, History | Failure>): void {
  // Files at fault may be those that name it.
  const all = [...histories.values()].flatMap((history) => (history instanceof Failure ? [] : [history]));
  if (all.length < histories.size) return;
  const named = new Set(
    all.flatMap(({ graph, seeds }) => [...graph.ordered, ...seeds].flatMap((item) => item.variables)),
  );
  const unknown = set.find((name) => !named.has(name));
  if (unknown === undefined) return;
  const known = named.size === 0 ? 'no revision names any variable' : `they name ${[...named].join(', ')}`;
  throw new Failure('usage-invalid', {
    message: `--set ${unknown}: no revision of these services names it (${known})`,
  });
}
