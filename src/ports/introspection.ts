import type { Catalog } from '../core/schema/catalog.ts';
import type { OtherLedger } from '../core/schema/other-ledgers.ts';
import type { Session } from './database.ts';

/** Reads what a database is made of. Not inside a transaction; changes nothing. */
export interface Introspection {
  /** One round trip, one snapshot. */
  catalog(session: Session): Promise<Catalog>;
  /** What another tool's ledger says was applied last; undefined: nothing, or the role may not read it. */
  recordedVersion(session: Session, ledger: OtherLedger): Promise<string | undefined>;
}
