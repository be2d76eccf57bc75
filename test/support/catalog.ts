import { randomUUID } from 'node:crypto';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { introspection } from '../../src/adapters/postgres/introspect.ts';
import type { Catalog } from '../../src/core/schema/catalog.ts';
import { diffCatalogs } from '../../src/core/schema/diff.ts';
import type { Location } from '../../src/ports/database.ts';
import { phraseDifference } from '../../src/report/difference-phrases.ts';

/** What a database is made of, as `orch baseline` sees it. */
export async function catalogAt(location: Location): Promise<Catalog> {
  const session = await new PostgresDatabase({ run: randomUUID() }).connect(location, 'observe');
  try {
    return await introspection.catalog(session);
  } finally {
    await session.close();
  }
}

/** What `found` has otherwise than `wanted`, in words; empty: they are equal, owners too. */
export function catalogDifferences(wanted: Catalog, found: Catalog): readonly string[] {
  const owners = ({ objects }: Catalog): Catalog => ({
    objects: objects.map((object) => ({ ...object, name: `${object.name} of ${object.owner}` })),
  });
  const differences = diffCatalogs(wanted, found);
  // Names with owners only where nothing else differs: they would hide what does.
  return (differences.length > 0 ? differences : diffCatalogs(owners(wanted), owners(found))).map(phraseDifference);
}
