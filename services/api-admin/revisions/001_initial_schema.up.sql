-- A prerequisite in service.yaml, so orch's admin role has created it already; this line says what the file needs.
CREATE EXTENSION IF NOT EXISTS vector;

CREATE FUNCTION update_updated_at_column() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at = now();
  RETURN NEW;
END;
$$;

-- Logs and settings

CREATE TABLE system_logs (
  id         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
  level      text        NOT NULL,
  source     text        NOT NULL,
  message    text        NOT NULL,
  details    jsonb       NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_system_logs PRIMARY KEY (id),
  CONSTRAINT ck_system_logs_level CHECK (level IN ('debug', 'info', 'warning', 'error'))
);

CREATE INDEX ix_system_logs_created_at ON system_logs (created_at);

CREATE TABLE login_logs (
  id         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
  -- The id that api-auth gave the user; null where the login failed for want of one.
  user_id    uuid,
  email      text        NOT NULL,
  succeeded  boolean     NOT NULL,
  address    inet,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_login_logs PRIMARY KEY (id)
);

CREATE INDEX ix_login_logs_user_id ON login_logs (user_id);
CREATE INDEX ix_login_logs_created_at ON login_logs (created_at);

CREATE TABLE system_settings (
  key         text        NOT NULL,
  value       jsonb       NOT NULL,
  description text        NOT NULL DEFAULT '',
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_system_settings PRIMARY KEY (key)
);

CREATE TRIGGER update_system_settings_updated_at BEFORE UPDATE ON system_settings
FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

-- Knowledge bases

CREATE TABLE knowledge_bases (
  id          uuid        NOT NULL DEFAULT gen_random_uuid(),
  name        text        NOT NULL,
  description text        NOT NULL DEFAULT '',
  is_active   boolean     NOT NULL DEFAULT true,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_knowledge_bases PRIMARY KEY (id),
  CONSTRAINT uq_knowledge_bases_name UNIQUE (name)
);

CREATE TRIGGER update_knowledge_bases_updated_at BEFORE UPDATE ON knowledge_bases
FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TABLE collections (
  id                uuid        NOT NULL DEFAULT gen_random_uuid(),
  knowledge_base_id uuid        NOT NULL,
  name              text        NOT NULL,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_collections PRIMARY KEY (id),
  -- Its index also serves the foreign key: knowledge_base_id comes first.
  CONSTRAINT uq_collections_knowledge_base_id UNIQUE (knowledge_base_id, name),
  CONSTRAINT fk_collections_knowledge_base_id_knowledge_bases
    FOREIGN KEY (knowledge_base_id) REFERENCES knowledge_bases (id) ON DELETE CASCADE
);

CREATE TRIGGER update_collections_updated_at BEFORE UPDATE ON collections
FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TABLE documents (
  id            uuid        NOT NULL DEFAULT gen_random_uuid(),
  collection_id uuid        NOT NULL,
  filename      text        NOT NULL,
  media_type    text        NOT NULL,
  size_bytes    bigint      NOT NULL,
  status        text        NOT NULL DEFAULT 'pending',
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_documents PRIMARY KEY (id),
  CONSTRAINT fk_documents_collection_id_collections
    FOREIGN KEY (collection_id) REFERENCES collections (id) ON DELETE CASCADE,
  CONSTRAINT ck_documents_size_bytes CHECK (size_bytes >= 0),
  CONSTRAINT ck_documents_status CHECK (status IN ('pending', 'processing', 'ready', 'failed'))
);

CREATE INDEX ix_documents_collection_id ON documents (collection_id);

CREATE TRIGGER update_documents_updated_at BEFORE UPDATE ON documents
FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TABLE prompt_templates (
  id          uuid        NOT NULL DEFAULT gen_random_uuid(),
  name        text        NOT NULL,
  template    text        NOT NULL,
  variables   text[]      NOT NULL DEFAULT '{}',
  is_default  boolean     NOT NULL DEFAULT false,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_prompt_templates PRIMARY KEY (id),
  CONSTRAINT uq_prompt_templates_name UNIQUE (name)
);

CREATE TRIGGER update_prompt_templates_updated_at BEFORE UPDATE ON prompt_templates
FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

-- LangChain's own tables, as its PGVector store expects them

CREATE TABLE langchain_pg_collection (
  uuid      uuid NOT NULL DEFAULT gen_random_uuid(),
  name      text NOT NULL,
  cmetadata jsonb,
  CONSTRAINT pk_langchain_pg_collection PRIMARY KEY (uuid),
  CONSTRAINT uq_langchain_pg_collection_name UNIQUE (name)
);

CREATE TABLE langchain_pg_embedding (
  -- Text: LangChain lets the caller choose ids.
  id            text NOT NULL DEFAULT gen_random_uuid()::text,
  collection_id uuid NOT NULL,
  -- Without a dimension, as each embedding model has its own.
  embedding     vector NOT NULL,
  document      text NOT NULL,
  cmetadata     jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT pk_langchain_pg_embedding PRIMARY KEY (id),
  CONSTRAINT fk_langchain_pg_embedding_collection_id_langchain_pg_collection
    FOREIGN KEY (collection_id) REFERENCES langchain_pg_collection (uuid) ON DELETE CASCADE
);

CREATE INDEX ix_langchain_pg_embedding_collection_id ON langchain_pg_embedding (collection_id);
CREATE INDEX ix_langchain_pg_embedding_cmetadata ON langchain_pg_embedding USING gin (cmetadata jsonb_path_ops);
