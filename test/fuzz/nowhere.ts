import type { Service } from '../../src/core/project.ts';
import { type Database, DatabaseError } from '../../src/ports/database.ts';
import type { Ports, Run } from '../../src/ports/run.ts';
import type { ServerAdmin } from '../../src/ports/server-admin.ts';

/** A run whose server lets nobody in but the admin, and has none of the project's databases: nothing leaves the process. */
export function withoutServer(run: Run): Run {
  const ports: Ports = { ...run.ports, database: closed, admin, readiness: { waitReady: async () => undefined } };
  return { ...run, ports };
}

const refused = async (): Promise<never> => {
  throw new DatabaseError('no database here', { sqlstate: '3D000', connection: true });
};

const closed: Database = { connect: refused };

const admin: ServerAdmin = {
  observe: async ({ owner, roles }: Service) => ({
    missingRoles: [owner.role, ...roles.map(({ name }) => name)],
    databaseExists: false,
    databaseOwner: undefined,
  }),
  createRole: refused,
  createDatabase: refused,
  createExtension: refused,
  updateExtension: refused,
  grantAccess: refused,
  loss: async () => undefined,
  dropDatabase: refused,
  discardDatabase: refused,
};
