-- A prerequisite in service.yaml, so orch's admin role has created it already; this line says what the file needs.
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";

CREATE TABLE users (
  id            uuid        NOT NULL DEFAULT uuid_generate_v4(),
  email         text        NOT NULL,
  password_hash text        NOT NULL,
  roles         text[]      NOT NULL DEFAULT '{user}',
  is_active     boolean     NOT NULL DEFAULT true,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_users PRIMARY KEY (id),
  -- Also the index that logging in uses.
  CONSTRAINT uq_users_email UNIQUE (email),
  CONSTRAINT ck_users_email_lower_case CHECK (email = lower(email))
);
