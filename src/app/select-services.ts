import { Failure } from '../core/failure.ts';
import { findNearest } from '../core/nearest.ts';
import type { Project, Service } from '../core/project.ts';
import { orderByNeeds } from '../core/service-graph.ts';

/**
 * The services of these names, in need order; all of them where no name is given.
 * @throws Failure `service-unknown` with the nearest name
 */
export function selectServices(project: Project, names: readonly string[]): readonly Service[] {
  const known = project.services.map((service) => service.name);
  for (const name of names) {
    if (!known.includes(name)) {
      throw new Failure('service-unknown', { name, known, nearest: findNearest(name, known) });
    }
  }
  const wanted = project.services.filter((service) => names.length === 0 || names.includes(service.name));
  return orderByNeeds(wanted);
}
