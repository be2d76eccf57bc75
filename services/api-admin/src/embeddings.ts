import type { Database } from '../../kit/database.ts';

type Collection = { readonly name: string; readonly embeddings: number };

export async function listCollections(database: Database): Promise<readonly Collection[]> {
  return database.query<Collection>(
    `SELECT collection.name, count(embedding.id)::int AS embeddings
     FROM langchain_pg_collection AS collection
     LEFT JOIN langchain_pg_embedding AS embedding ON embedding.collection_id = collection.uuid
     GROUP BY collection.uuid, collection.name ORDER BY collection.name`,
  );
}

export async function findCollectionId(database: Database, name: string): Promise<string | undefined> {
  const rows = await database.query<{ uuid: string }>('SELECT uuid FROM langchain_pg_collection WHERE name = $1', [
    name,
  ]);
  return rows[0]?.uuid;
}

/** @returns the id of what was stored */
export async function storeEmbedding(
  database: Database,
  collectionId: string,
  item: { readonly document: string; readonly embedding: readonly number[]; readonly metadata: object },
): Promise<{ readonly id: string } | undefined> {
  const rows = await database.query<{ id: string }>(
    `INSERT INTO langchain_pg_embedding (collection_id, embedding, document, cmetadata)
     VALUES ($1, $2::vector, $3, $4::jsonb) RETURNING id`,
    [collectionId, formatVector(item.embedding), item.document, JSON.stringify(item.metadata)],
  );
  return rows[0];
}

type Match = { readonly id: string; readonly document: string; readonly metadata: unknown; readonly distance: number };

/**
 * The nearest documents by cosine distance (0: same direction, 2: opposite).
 * Exact, without an index: as in LangChain the column has no fixed dimension, so only vectors of the asked dimension
 * are compared. The subquery keeps the others away from `<=>`, which fails on them.
 */
export async function searchEmbeddings(
  database: Database,
  collectionId: string,
  embedding: readonly number[],
  limit: number,
): Promise<readonly Match[]> {
  return database.query<Match>(
    `SELECT id, document, cmetadata AS metadata, embedding <=> $2::vector AS distance
     FROM (
       SELECT * FROM langchain_pg_embedding
       WHERE collection_id = $1 AND vector_dims(embedding) = vector_dims($2::vector) OFFSET 0
     ) AS comparable
     ORDER BY distance, id LIMIT $3`,
    [collectionId, formatVector(embedding), limit],
  );
}

/** pgvector's text form, `[1,2.5]`, is that of JSON. */
function formatVector(numbers: readonly number[]): string {
  return JSON.stringify(numbers);
}
