-- Embeddings in the default collection go with it.
DELETE FROM langchain_pg_collection WHERE uuid = '6f1b2c1e-0c7a-4f3e-9b61-2f0d1f6a0003';

DELETE FROM prompt_templates WHERE id IN (
  '6f1b2c1e-0c7a-4f3e-9b61-2f0d1f6a0001',
  '6f1b2c1e-0c7a-4f3e-9b61-2f0d1f6a0002'
);
