import { Failure } from '../failure.ts';
import type { ObservedDatabase } from '../observed.ts';
import type { ExtensionPrerequisite, Service } from '../project.ts';
import { compareVersions } from '../version.ts';
import type { Draft } from './draft.ts';

/** Adds what must exist before the database can be locked: its roles and the database itself. */
export function planDatabase(draft: Draft, service: Service, observed: ObservedDatabase): void {
  for (const role of observed.missingRoles) {
    draft.add('create-role', 'the server does not have it', { role }, role);
  }
  if (!observed.exists) draft.add('create-database', 'the server does not have it', {});
  else if (observed.owner !== undefined && observed.owner !== service.owner.role) {
    throw unmet(service, 'database-owner', service.database, service.owner.role, observed.owner);
  }
}

/** Adds the extensions that are missing or too old. */
export function planExtensions(draft: Draft, service: Service, observed: ObservedDatabase): void {
  for (const wanted of service.extensions) {
    const found = observed.extensions.find((extension) => extension.name === wanted.name);
    if (found?.installed === undefined) {
      // Before the database exists its extensions may not have been looked at: the step itself then finds out.
      if (found !== undefined) requireAvailable(service, wanted, found.available);
      draft.add(
        'create-extension',
        'the database does not have it',
        { extension: wanted.name, minimumVersion: wanted.minimumVersion },
        wanted.name,
      );
    } else if (wanted.minimumVersion !== undefined && compareVersions(found.installed, wanted.minimumVersion) < 0) {
      requireAvailable(service, wanted, found.available);
      const { minimumVersion } = wanted;
      draft.add(
        'update-extension',
        `it is at ${found.installed}`,
        { extension: wanted.name, from: found.installed, minimumVersion },
        wanted.name,
      );
    }
  }
}

/** Adds the access that the application roles lack; a role that is only being created lacks it too. */
export function planAccess(draft: Draft, service: Service, observed: ObservedDatabase): void {
  const lacking = new Set([...observed.rolesWithoutAccess, ...observed.missingRoles]);
  for (const role of service.roles) {
    if (role.access === 'application' && (lacking.has(role.name) || !observed.exists)) {
      draft.add('grant-access', 'it cannot use the tables yet', { role: role.name }, role.name);
    }
  }
}

function requireAvailable(service: Service, wanted: ExtensionPrerequisite, available: string | undefined): void {
  if (available === undefined) {
    throw unmet(service, 'extension-unavailable', wanted.name, wanted.minimumVersion ?? 'any version', 'none');
  }
  if (wanted.minimumVersion !== undefined && compareVersions(available, wanted.minimumVersion) < 0) {
    throw unmet(service, 'extension-too-old', wanted.name, wanted.minimumVersion, available);
  }
}

function unmet(
  service: Service,
  what: 'extension-unavailable' | 'extension-too-old' | 'database-owner',
  name: string,
  wanted: string,
  found: string,
): Failure<'prerequisite-unmet'> {
  return new Failure('prerequisite-unmet', {
    service: service.name,
    database: service.database,
    what,
    name,
    wanted,
    found,
  });
}
