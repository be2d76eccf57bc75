import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';
import { type FindCaller, requireCaller, requireRole } from '../../kit/caller.ts';
import type { Database } from '../../kit/database.ts';
import { type App, requireBody } from '../../kit/http.ts';
import { findCollectionId, listCollections, searchEmbeddings, storeEmbedding } from './embeddings.ts';
import { createKnowledgeBase, listKnowledgeBases } from './knowledge-bases.ts';
import { listPromptTemplates } from './prompt-templates.ts';

// pgvector stores float4: what overflows it would be refused, and a zero vector has no cosine distance.
const embedding = z
  .array(z.number().min(-1e30).max(1e30))
  .min(1)
  .max(4096)
  .refine((numbers) => numbers.some((number) => Math.abs(number) > 1e-15), 'all zero');
const document = z.strictObject({
  document: z.string().min(1).max(100_000),
  embedding,
  metadata: z.record(z.string(), z.unknown()).default({}),
});
const search = z.strictObject({ embedding, limit: z.int().min(1).max(100).default(5) });
const knowledgeBase = z.strictObject({
  name: z.string().trim().min(1).max(200),
  description: z.string().max(2000).default(''),
});

/** Prompt templates, knowledge bases, and embeddings that are found by their distance. Writing is for admins. */
export function addRoutes(app: App, database: Database, findCaller: FindCaller): void {
  const authenticated = requireCaller(findCaller);
  const asAdmin = requireRole('admin');

  app.get('/prompt-templates', authenticated, async (context) =>
    context.json({ prompt_templates: await listPromptTemplates(database) }),
  );

  app.get('/knowledge-bases', authenticated, async (context) =>
    context.json({ knowledge_bases: await listKnowledgeBases(database) }),
  );

  app.post('/knowledge-bases', authenticated, asAdmin, async (context) => {
    const created = await createKnowledgeBase(database, await requireBody(context, knowledgeBase));
    if (created === undefined) throw new HTTPException(409, { message: 'the name is taken' });
    return context.json(created, 201);
  });

  app.get('/collections', authenticated, async (context) =>
    context.json({ collections: await listCollections(database) }),
  );

  app.post('/collections/:name/embeddings', authenticated, asAdmin, async (context) => {
    const body = await requireBody(context, document);
    const collectionId = await requireCollection(context, database);
    return context.json(await storeEmbedding(database, collectionId, body), 201);
  });

  app.post('/collections/:name/search', authenticated, async (context) => {
    const body = await requireBody(context, search);
    const collectionId = await requireCollection(context, database);
    return context.json({ matches: await searchEmbeddings(database, collectionId, body.embedding, body.limit) });
  });
}

async function requireCollection(context: Context, database: Database): Promise<string> {
  const id = await findCollectionId(database, context.req.param('name') ?? '');
  if (id === undefined) throw new HTTPException(404, { message: 'no such collection' });
  return id;
}
