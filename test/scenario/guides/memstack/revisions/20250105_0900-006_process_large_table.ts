// orch: message Process a large table in batches
// orch: transaction none
import type { RevisionHandle } from '../../../../../src/ports/revision-handle.ts';

/** A batch at a time instead of row by row: rows are locked shortly, and a run that was killed goes on where it was. */
export async function up({ batches, query, sql }: RevisionHandle): Promise<void> {
  await batches({ table: 'memories', key: 'id', size: 100, where: sql`new_field IS NULL` }, ({ keys }) =>
    query(sql`UPDATE memories SET new_field = upper(content) WHERE id = ANY (${keys})`),
  );
}

/** Nothing to take back: the column may have been filled by hand before. */
export async function down(): Promise<void> {}
