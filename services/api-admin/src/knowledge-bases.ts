import type { Database } from '../../kit/database.ts';
import { findSqlState } from '../../kit/database.ts';

type KnowledgeBase = {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly meta_summary: string | null;
  readonly collections: number;
};

export async function listKnowledgeBases(database: Database): Promise<readonly KnowledgeBase[]> {
  return database.query<KnowledgeBase>(
    `SELECT id, name, description, meta_summary,
            (SELECT count(*)::int FROM collections WHERE collections.knowledge_base_id = knowledge_bases.id) AS collections
     FROM knowledge_bases ORDER BY name`,
  );
}

/** The new knowledge base; undefined where the name is taken. */
export async function createKnowledgeBase(
  database: Database,
  fields: { readonly name: string; readonly description: string },
): Promise<KnowledgeBase | undefined> {
  try {
    const rows = await database.query<KnowledgeBase>(
      `INSERT INTO knowledge_bases (name, description) VALUES ($1, $2)
       RETURNING id, name, description, meta_summary, 0 AS collections`,
      [fields.name, fields.description],
    );
    return rows[0];
  } catch (error) {
    // unique_violation of uq_knowledge_bases_name
    if (findSqlState(error) === '23505') return undefined;
    throw error;
  }
}
