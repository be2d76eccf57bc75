import type { Server, Service } from '../core/project.ts';
import type { Location } from './database.ts';

/** Says where a service's database is reached under the chosen runtime. */
export interface Targets {
  /** The service's database as its owner: what revisions run as. */
  owner(service: Service): Location;
  /** A database of the service's server as the admin role; undefined: no admin role is configured. */
  admin(service: Service, database?: string): Location | undefined;
  /** What to probe to know that the server serves; the same address for all services of a server, except where each has its own. */
  probe(service: Service): { readonly server: Server; readonly location: Location };
}
