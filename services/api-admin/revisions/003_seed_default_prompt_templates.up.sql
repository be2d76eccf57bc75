-- Fixed ids, so that down takes away these rows and no others: where a name is taken already, that row stays whose it is.
INSERT INTO prompt_templates (id, name, template, variables, is_default) VALUES
  ('6f1b2c1e-0c7a-4f3e-9b61-2f0d1f6a0001', 'answer-from-context',
   E'Answer the question from the context alone. Say so where the context does not tell.\n\nContext:\n{context}\n\nQuestion: {question}',
   '{context,question}', true),
  ('6f1b2c1e-0c7a-4f3e-9b61-2f0d1f6a0002', 'summarise-knowledge-base',
   E'Summarise what these documents are about in at most {sentences} sentences.\n\nDocuments:\n{documents}',
   '{sentences,documents}', false)
ON CONFLICT DO NOTHING;

INSERT INTO langchain_pg_collection (uuid, name, cmetadata) VALUES
  ('6f1b2c1e-0c7a-4f3e-9b61-2f0d1f6a0003', 'default', '{"description": "Where documents go that name no collection"}')
ON CONFLICT DO NOTHING;
