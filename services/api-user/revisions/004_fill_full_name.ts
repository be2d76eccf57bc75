import type { RevisionHandle } from 'orch';

/** Rows a statement: few enough that each ends soon and progress is seen, many enough to be quick. */
const BATCH = 1000;

/** Fills `full_name` where it is empty, in batches along the primary key. */
export async function up(database: RevisionHandle): Promise<void> {
  await changeInBatches(database, "concat_ws(' ', first_name, last_name)", 'full_name IS NULL');
}

/** Empties it again: every full name can be made anew from first and last name. */
export async function down(database: RevisionHandle): Promise<void> {
  await changeInBatches(database, 'NULL', 'full_name IS NOT NULL');
}

async function changeInBatches(database: RevisionHandle, value: string, where: string): Promise<void> {
  const counted = await database.query<{ total: number }>(`SELECT count(*)::int AS total FROM profiles WHERE ${where}`);
  const total = counted.rows[0]?.total ?? 0;
  let done = 0;
  // Each batch starts behind the last key of the one before (not at an OFFSET), so none reads a row twice.
  let last: string | null = null;
  while (done < total) {
    const changed: { readonly rows: readonly { count: number; last: string | null }[] } = await database.query(
      `WITH batch AS (
         SELECT user_id FROM profiles
         WHERE ${where} AND ($1::uuid IS NULL OR user_id > $1)
         ORDER BY user_id LIMIT $2
       ), changed AS (
         UPDATE profiles SET full_name = ${value} FROM batch WHERE profiles.user_id = batch.user_id
         RETURNING profiles.user_id
       )
       SELECT count(*)::int AS count, (array_agg(user_id ORDER BY user_id DESC))[1] AS last FROM changed`,
      [last, BATCH],
    );
    const batch = changed.rows[0];
    if (batch === undefined || batch.last === null) return;
    done += batch.count;
    last = batch.last;
    database.progress(done, total);
  }
}
