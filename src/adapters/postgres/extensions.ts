import { Failure } from '../../core/failure.ts';
import type { ExtensionPrerequisite, Service } from '../../core/project.ts';
import { compareVersions } from '../../core/version.ts';
import type { Session } from '../../ports/database.ts';
import { quoteIdentifier } from './quoting.ts';

/**
 * Creates an extension, with those that it needs, in schema `public` (or where its control file puts it): orch's own
 * search path has no schema to create in.
 * @throws Failure `prerequisite-unmet` where the server does not have it, or not as new as wanted
 */
export async function createExtension(session: Session, service: Service, name: string): Promise<void> {
  await requireAvailable(session, service, wantedOf(service, name));
  await session.run(`SET LOCAL search_path = public, pg_temp;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(name)} CASCADE`);
}

/**
 * Updates an extension to the server's version; does nothing where the installed one is new enough.
 * @throws Failure `prerequisite-unmet` where the server's version is older than wanted
 */
export async function updateExtension(session: Session, service: Service, name: string): Promise<void> {
  const wanted = wantedOf(service, name);
  const { rows } = await session.query<{ version: string }>(
    'SELECT e.extversion AS version FROM pg_catalog.pg_extension AS e WHERE e.extname = $1',
    [name],
  );
  if (rows[0] !== undefined && isEnough(rows[0].version, wanted)) return;
  await requireAvailable(session, service, wanted);
  await session.run(`ALTER EXTENSION ${quoteIdentifier(name)} UPDATE`);
}

/** The versions that `CREATE EXTENSION` and `ALTER EXTENSION … UPDATE` would give, by name. */
export async function findAvailable(session: Session, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query<{ name: string; version: string }>(
    `SELECT a.name, a.default_version AS version FROM pg_catalog.pg_available_extensions AS a
     WHERE a.name = ANY ($1::pg_catalog.text[])`,
    [names],
  );
  return new Map(rows.map(({ name, version }) => [name, version]));
}

function wantedOf(service: Service, name: string): ExtensionPrerequisite {
  return service.extensions.find((extension) => extension.name === name) ?? { name, minimumVersion: undefined };
}

function isEnough(version: string, wanted: ExtensionPrerequisite): boolean {
  return wanted.minimumVersion === undefined || compareVersions(version, wanted.minimumVersion) >= 0;
}

async function requireAvailable(session: Session, service: Service, wanted: ExtensionPrerequisite): Promise<void> {
  const available = (await findAvailable(session, [wanted.name])).get(wanted.name);
  if (available !== undefined && isEnough(available, wanted)) return;
  throw new Failure('prerequisite-unmet', {
    service: service.name,
    database: service.database,
    what: available === undefined ? 'extension-unavailable' : 'extension-too-old',
    name: wanted.name,
    wanted: wanted.minimumVersion ?? 'any version',
    found: available ?? 'none',
  });
}
