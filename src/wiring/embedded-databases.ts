import type { LocalRuntime } from '../adapters/local/runtime.ts';
import type { Service } from '../core/project.ts';
import type { Location } from '../ports/database.ts';
import type { ServerAdmin } from '../ports/server-admin.ts';
import type { Targets } from '../ports/targets.ts';

/** PGlite's own superuser. */
const SUPERUSER = 'postgres';

/** A server that the project owns is PGlite here, a database each; others are where the config says. */
export function embeddedTargets(configured: Targets, runtime: LocalRuntime): Targets {
  const isEmbedded = (service: Service): boolean => service.server.container !== undefined;
  const locate = (service: Service, role: string): Location => {
    const endpoint = runtime.locate(service);
    if (endpoint === undefined) throw new TypeError(`the database of ${service.name} was not started`);
    const tls = { mode: 'disable', rootCertificate: undefined, certificate: undefined, key: undefined } as const;
    const { database } = service;
    return { ...endpoint, database, role, password: undefined, actAs: undefined, tls, sessions: 'one' };
  };
  return {
    owner: (service) => (isEmbedded(service) ? locate(service, service.owner.role) : configured.owner(service)),
    admin: (service, database) =>
      isEmbedded(service) ? locate(service, SUPERUSER) : configured.admin(service, database),
    probe: (service) =>
      isEmbedded(service)
        ? { server: service.server, location: locate(service, SUPERUSER) }
        : configured.probe(service),
  };
}

/** PGlite has one database, made by the runtime: to drop it is to make it anew, and then it is there. */
export function embeddedAdmin(postgres: ServerAdmin, runtime: LocalRuntime): ServerAdmin {
  const isEmbedded = (service: Service): boolean => service.server.container !== undefined;
  return {
    observe: (service) => postgres.observe(service),
    createRole: (service, role) => postgres.createRole(service, role),
    createExtension: (service, extension) => postgres.createExtension(service, extension),
    updateExtension: (service, extension) => postgres.updateExtension(service, extension),
    grantAccess: (service, role) => postgres.grantAccess(service, role),
    loss: (service) => postgres.loss(service),
    createDatabase: (service) => (isEmbedded(service) ? Promise.resolve() : postgres.createDatabase(service)),
    dropDatabase: (service) =>
      isEmbedded(service) ? runtime.recreateDatabase(service) : postgres.dropDatabase(service),
    discardDatabase: (service) =>
      isEmbedded(service) ? runtime.discardDatabase(service) : postgres.discardDatabase(service),
  };
}
