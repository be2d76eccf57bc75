// orch: transaction none
import type { RevisionHandle } from 'orch';

// Each batch commits by itself: rows are locked only shortly while the service goes on writing, and a run that was
// killed is taken up again behind the last batch that was committed.

/** Fills `full_name` where it is empty. */
export async function up({ batches, query, sql }: RevisionHandle): Promise<void> {
  await batches({ table: 'profiles', key: 'user_id', where: sql`full_name IS NULL` }, ({ keys }) =>
    query(sql`
      UPDATE profiles SET full_name = concat_ws(' ', first_name, last_name)
      WHERE user_id = ANY (${keys})
    `),
  );
}

/** Empties it again: every full name can be made anew from first and last name. */
export async function down({ batches, query, sql }: RevisionHandle): Promise<void> {
  await batches({ table: 'profiles', key: 'user_id', where: sql`full_name IS NOT NULL` }, ({ keys }) =>
    query(sql`UPDATE profiles SET full_name = NULL WHERE user_id = ANY (${keys})`),
  );
}
