import { Failure } from '../core/failure.ts';
import type { History } from '../core/planners/upgrade.ts';
import type { Service } from '../core/project.ts';
import { findServerWide } from '../core/sql/server-wide.ts';
import type { Run } from '../ports/run.ts';

/** On a server the throwaway database has neighbours; a PGlite of its own has none. @throws Failure `replay-unsafe` */
export function requireContained(run: Run, service: Service, { graph }: History): void {
  if (run.ports.targets.owner(service).sessions === 'one') return;
  const faults = findServerWide(graph.ordered);
  if (faults.length === 0) return;
  throw new Failure('replay-unsafe', { service: service.name, database: service.database, faults });
}
