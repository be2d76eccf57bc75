import type { Loss } from '../core/observed.ts';
import type { Service } from '../core/project.ts';

/** What the admin role does on a server. Each call is idempotent and safe against 50 others at once (V9: under a cluster lock). */
export interface ServerAdmin {
  /** Which of the wanted roles and which database are missing; who owns the database. Used where the owner cannot log in yet. */
  observe(service: Service): Promise<{
    readonly missingRoles: readonly string[];
    readonly databaseExists: boolean;
    readonly databaseOwner: string | undefined;
  }>;
  createRole(service: Service, role: string): Promise<void>;
  createDatabase(service: Service): Promise<void>;
  createExtension(service: Service, extension: string): Promise<void>;
  updateExtension(service: Service, extension: string): Promise<void>;
  grantAccess(service: Service, role: string): Promise<void>;
  loss(service: Service): Promise<Loss | undefined>;
  /** Ends other sessions and drops the database; no error where it does not exist. */
  dropDatabase(service: Service): Promise<void>;
  /** As `dropDatabase`, for one that was made to be thrown away: done even where the run was interrupted. */
  discardDatabase(service: Service): Promise<void>;
}
