import type { Credentials, Server } from '../../core/project.ts';
import type { Location } from '../../ports/database.ts';
import type { Targets } from '../../ports/targets.ts';

/** Each database where the config says that it is. */
export const configuredTargets: Targets = {
  owner(service) {
    const { server, owner } = service;
    // An owner without a password can't log in over TCP: the admin logs in and acts as the owner.
    const actsFor = owner.password === undefined && server.admin !== undefined && server.admin.role !== owner.role;
    return actsFor
      ? locate(server, server.admin, service.database, owner.role)
      : locate(server, owner, service.database, undefined);
  },
  admin(service, database) {
    const { server } = service;
    return server.admin && locate(server, server.admin, database ?? server.maintenanceDatabase, undefined);
  },
  probe(service) {
    const location = configuredTargets.admin(service) ?? configuredTargets.owner(service);
    return { server: service.server, location };
  },
};

function locate(server: Server, login: Credentials, database: string, actAs: string | undefined): Location {
  const { host, port, tls, allowPooler } = server;
  const { role, password } = login;
  const location = { host, port, tls, database, role, password, actAs, sessions: 'many' } as const;
  return allowPooler === true ? { ...location, pooler: true } : location;
}
