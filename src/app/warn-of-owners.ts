import type { Plan } from '../core/plan.ts';
import type { Service } from '../core/project.ts';
import type { Run } from '../ports/run.ts';

/** The role that every server begins with, and that may do everything there. */
const FIRST_ROLE = 'postgres';

/**
 * Tells of services whose revisions are to run as the role that prepares the server: it may change every database, so that
 * neither the config nor PostgreSQL keeps a revision within its own. Not refused: an existing database may be its.
 */
export function warnOfOwners(run: Run, plan: Plan, services: readonly Service[]): void {
  for (const { name, database, server, owner } of services) {
    const isAtWork = plan.steps.some(({ kind, subject }) => kind === 'apply-revision' && subject.service === name);
    if (!isAtWork || (owner.role !== FIRST_ROLE && owner.role !== server.admin?.role)) continue;
    const message = `revisions run as ${owner.role}, the role that prepares the server: nothing keeps them within ${database}. Give the service an owner of its own: owner: { role: … }`;
    run.ports.emit({ type: 'notice-received', subject: { service: name, database }, severity: 'WARNING', message });
  }
}
