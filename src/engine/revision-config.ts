import type { Project, Service } from '../core/project.ts';
import type { Revision } from '../core/revision.ts';
import type { RevisionConfig } from '../ports/revision-handle.ts';

/** What a revision's code may know of the config. */
export function revisionConfig(project: Project, service: Service, revision: Revision): RevisionConfig {
  return {
    service: service.name,
    database: service.database,
    owner: service.owner.role,
    roles: service.roles.map((role) => role.name),
    environment: project.environment,
    variables: revision.values ?? {},
  };
}
