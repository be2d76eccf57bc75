import type { CatalogObject } from '../../core/schema/catalog.ts';
import type { OtherLedger } from '../../core/schema/other-ledgers.ts';
import { DatabaseError, type Session } from '../../ports/database.ts';
import type { Introspection } from '../../ports/introspection.ts';
import { CATALOG, SETTINGS } from './catalog-sql.ts';
import { quoteIdentifier } from './quoting.ts';

interface Row {
  readonly kind: CatalogObject['kind'];
  readonly name: string;
  readonly whole: string | null;
  readonly owner: string;
  readonly fields: CatalogObject['fields'];
}

/** Reads catalogs in a transaction of its own: one snapshot for all, and no setting that outlives it. */
export const introspection: Introspection = {
  async catalog(session) {
    const rows = await read<Row>(session, SETTINGS, CATALOG);
    return { objects: rows.map(({ whole, ...row }) => ({ ...row, of: whole ?? undefined })) };
  },
  async recordedVersion(session, ledger) {
    if (ledger.version === undefined) return undefined;
    try {
      const [row] = await read<{ version: string | null }>(session, SETTINGS, versionSql(ledger, ledger.version));
      return row?.version ?? undefined;
    } catch (error) {
      // Not ours to read; or gone, or another's table after all.
      if (error instanceof DatabaseError && UNREADABLE.has(error.sqlstate)) return undefined;
      throw error;
    }
  },
};

const UNREADABLE: ReadonlySet<string> = new Set(['42501', '42P01', '42703']);

/** The newest row alone where they are in an order; else all of them, since each says where one head stands. */
function versionSql({ table }: OtherLedger, version: NonNullable<OtherLedger['version']>): string {
  const column = quoteIdentifier(version.column);
  const newest = 'newest' in version ? `ORDER BY ${quoteIdentifier(version.newest)} DESC LIMIT 1` : 'ORDER BY 1';
  return `SELECT string_agg(v.version, ', ') AS version FROM (SELECT ${column}::text AS version FROM ${table} ${newest}) AS v`;
}

/** One message; what is to be read comes after the settings, each of which is a statement. */
async function read<Result>(session: Session, settings: string, sql: string): Promise<readonly Result[]> {
  const message = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n${settings};\n${sql};\nCOMMIT`;
  try {
    const { rows } = await session.run(message, { rowsOf: settings.split(';').length + 1 });
    return rows as unknown as readonly Result[];
  } catch (error) {
    // Sent whatever the session says of its transaction: the server tells that after the error. Without a connection it
    // fails too, for the reason that is thrown.
    await session.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
