import { Failure } from '../core/failure.ts';
import type { History } from '../core/planners/upgrade.ts';
import type { Project, Service } from '../core/project.ts';
import type { Requirement } from '../core/revision.ts';
import type { Run } from '../ports/run.ts';
import { loadHistories } from './histories.ts';

/** Files by service name; a failure stands for those that could not be read. */
export type Histories = ReadonlyMap<string, History | Failure>;

/** The files of the services of a run, and those of the services outside it that these have to do with. */
export interface Related {
  readonly histories: Histories;
  /** Services outside the run that are looked at, and not touched. */
  readonly others: readonly Service[];
}

/** With the services that revisions of these require. */
export async function loadWithRequired(run: Run, services: readonly Service[]): Promise<Related> {
  const histories = await loadHistories(run.ports.revisions, run.project, services);
  const required = new Set(
    services.flatMap(({ name }) => requirementsIn(histories.get(name)).map(({ service }) => service)),
  );
  const others = outside(run.project, services).filter(({ name }) => required.has(name));
  if (others.length === 0) return { histories, others };
  const more = await loadHistories(run.ports.revisions, withoutSet(run.project), others);
  return { histories: new Map([...histories, ...more]), others };
}

/** With the services of which a revision requires one of these services'; and those whose files cannot be read. */
export async function loadWithDependants(run: Run, services: readonly Service[]): Promise<Related> {
  const histories = await loadHistories(run.ports.revisions, run.project, services);
  const candidates = outside(run.project, services);
  const more = await loadHistories(run.ports.revisions, withoutSet(run.project), candidates);
  const names = new Set(services.map(({ name }) => name));
  const others = candidates.filter(({ name }) => {
    const history = more.get(name);
    return history instanceof Failure || requirementsIn(history).some(({ service }) => names.has(service));
  });
  return { histories: new Map([...histories, ...more]), others };
}

function requirementsIn(history: History | Failure | undefined): readonly Requirement[] {
  if (history === undefined || history instanceof Failure) return [];
  return history.graph.ordered.flatMap(({ requires }) => requires);
}

function outside(project: Project, services: readonly Service[]): readonly Service[] {
  return project.services.filter((service) => !services.some(({ name }) => name === service.name));
}

/** `--set` is meant for the services of the run. */
function withoutSet(project: Project): Project {
  return { ...project, set: [] };
}
