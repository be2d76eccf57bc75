-- orch: message Add task tracking for episode processing
-- This migration adds:
-- - task_id column to memories table for SSE tracking
-- - progress, result, message columns to task_logs table
--
-- Related to: #123

CREATE TABLE users (
  id         VARCHAR NOT NULL,
  first_name VARCHAR NOT NULL,
  last_name  VARCHAR NOT NULL,
  CONSTRAINT pk_users PRIMARY KEY (id)
);

CREATE TABLE memories (
  id         VARCHAR NOT NULL,
  user_id    VARCHAR NOT NULL,
  content    TEXT    NOT NULL,
  task_id    VARCHAR,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
  CONSTRAINT pk_memories PRIMARY KEY (id),
  CONSTRAINT fk_memories_user_id_users FOREIGN KEY (user_id) REFERENCES users (id)
);

CREATE INDEX ix_memories_task_id ON memories (task_id);

CREATE TABLE task_logs (
  id       VARCHAR NOT NULL,
  progress INTEGER NOT NULL DEFAULT 0,
  result   JSONB,
  message  VARCHAR,
  CONSTRAINT pk_task_logs PRIMARY KEY (id)
);
