/** What the config asks for, resolved: defaults filled in, variables put in, paths absolute. Readonly data. */

import type { NamingConvention } from './naming.ts';

/** A secret that stands in no output: a value known to be secret, so that reporters can mask it. */
export interface Credentials {
  readonly role: string;
  /** Undefined: the server asks for none (trust, peer, client certificate) or a passfile serves it. */
  readonly password: string | undefined;
}

/** libpq's names and meanings (PostgreSQL manual, 32.19 "SSL Support"). */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface Tls {
  readonly mode: SslMode;
  /** Absolute paths of PEM files; without authorities, those count that Node brings. */
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** More authorities: NODE_EXTRA_CA_CERTS, which Node itself adds only to those that it brings. */
  readonly extraCertificate?: string;
}

/** A PostgreSQL server, as the role that prepares databases (`admin`) reaches it. */
export interface Server {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: Tls;
  /** Creates roles, databases and extensions; undefined: everything must exist already. */
  readonly admin: Credentials | undefined;
  /** The maintenance database that the admin role connects to. */
  readonly maintenanceDatabase: string;
  /** The Compose service that this server is; undefined: the server is not ours to start. */
  readonly container: string | undefined;
  /** How long `wait` waits for this server, in ms. */
  readonly readyTimeout: number;
  /** True: what is reached is a pooler with a backend of its own for each session. */
  readonly allowPooler?: boolean;
}

export interface RolePrerequisite {
  readonly name: string;
  readonly password: string | undefined;
  /** `application`: reads and writes the owner's tables, no DDL, no ledger. `none`: the role merely exists. */
  readonly access: 'application' | 'none';
}

export interface ExtensionPrerequisite {
  readonly name: string;
  /** The lowest version that serves, such as `0.7`; undefined: any. */
  readonly minimumVersion: string | undefined;
}

interface HealthCheck {
  /** Answers 200 when the service is healthy; as seen from where orch runs. Undefined: the container's own health check decides. */
  readonly url: string | undefined;
  /** In ms. */
  readonly timeout: number;
}

/** How the service runs without Docker. */
export interface LocalProcess {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly port: number | undefined;
}

export interface Service {
  readonly name: string;
  readonly database: string;
  readonly server: Server;
  /** Owns the database and all its objects; revisions are applied as this role. */
  readonly owner: Credentials;
  readonly roles: readonly RolePrerequisite[];
  readonly extensions: readonly ExtensionPrerequisite[];
  /** Absolute folders. */
  readonly folder: string;
  readonly revisions: string;
  readonly seeds: string | undefined;
  /** The schema as it is wanted, as SQL: an absolute file or folder; absent: it is written down nowhere. */
  readonly schema?: string | undefined;
  /** Values for the variables of its revisions, by name; absent: none. Recorded in the ledger: nothing secret. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** The Compose service of this service's container; undefined: nothing to start. */
  readonly container: string | undefined;
  readonly health: HealthCheck;
  readonly local: LocalProcess | undefined;
  /** Names of the services that must be healthy before this one starts. */
  readonly needs: readonly string[];
  /** The config file that declares it, absolute; for messages. */
  readonly file: string;
}

export type Environment = 'development' | 'test' | 'staging' | 'production';

export interface Policies {
  /** How long to wait for another orch's lock, in ms. */
  readonly lockWait: number;
  /** `lock_timeout` of the first try of a revision that sets none itself, in ms; 0: none. */
  readonly lockTimeout: number;
  /** How long a revision that could not have a lock, or met a deadlock, is begun anew, in ms; 0: never. */
  readonly lockRetry: number;
  /** `statement_timeout` of a revision that sets none itself, in ms; 0: none. */
  readonly statementTimeout: number;
  /** Stop everything at the first failure instead of going on with the services that can go on. */
  readonly failFast: boolean;
  /** Databases worked on at the same time. */
  readonly concurrency: number;
}

export interface Project {
  readonly name: string;
  /** Absolute folder of the config file: revision folders must stay inside it. */
  readonly root: string;
  /** Absolute path of the config file. */
  readonly file: string;
  readonly environment: Environment;
  /** Absolute paths; empty: the project has no Compose side. */
  readonly composeFiles: readonly string[];
  readonly servers: readonly Server[];
  readonly services: readonly Service[];
  readonly policies: Policies;
  /** Absolute folder of the project's own templates; undefined: the built-in ones serve. */
  readonly templates: string | undefined;
  readonly naming: NamingConvention;
  /** Names that `--set` gave values to: some revision must name each of them. */
  readonly set?: readonly string[] | undefined;
  /** Every secret value that was read, for masking. */
  readonly secrets: readonly string[];
}
