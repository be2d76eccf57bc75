// orch:message fill in names
// orch:lock_timeout 2s
import type { RevisionHandle } from 'orch';

export async function up({ query, sql }: RevisionHandle): Promise<void> {
  const name = 'Grace';
  await query(sql`UPDATE customers SET name = ${name} WHERE name IS NULL`);
}

export async function down({ query }: RevisionHandle): Promise<void> {
  await query('UPDATE customers SET name = $1', ['x']);
}
