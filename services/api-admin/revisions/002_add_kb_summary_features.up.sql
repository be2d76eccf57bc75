ALTER TABLE knowledge_bases
  ADD COLUMN meta_summary text,
  ADD COLUMN meta_keywords text[] NOT NULL DEFAULT '{}',
  ADD COLUMN meta_statistics jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN meta_summarised_at timestamptz;

CREATE TABLE query_classifications (
  id                uuid        NOT NULL DEFAULT gen_random_uuid(),
  knowledge_base_id uuid        NOT NULL,
  query             text        NOT NULL,
  classification    text        NOT NULL,
  confidence        real        NOT NULL,
  created_at        timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_query_classifications PRIMARY KEY (id),
  CONSTRAINT fk_query_classifications_knowledge_base_id_knowledge_bases
    FOREIGN KEY (knowledge_base_id) REFERENCES knowledge_bases (id) ON DELETE CASCADE,
  CONSTRAINT ck_query_classifications_classification CHECK (classification IN ('summary', 'search', 'other')),
  CONSTRAINT ck_query_classifications_confidence CHECK (confidence BETWEEN 0 AND 1)
);

CREATE INDEX ix_query_classifications_knowledge_base_id ON query_classifications (knowledge_base_id);
