-- orch: message initial database schema
CREATE TABLE public.users (
  id       SERIAL       NOT NULL,
  username VARCHAR(100) NOT NULL,
  CONSTRAINT pk_users PRIMARY KEY (id)
);

CREATE TABLE public.knowledge (
  id         SERIAL       NOT NULL,
  title      VARCHAR(255) NOT NULL,
  owner_id   INTEGER      NOT NULL,
  created_at TIMESTAMP    DEFAULT now(),
  CONSTRAINT pk_knowledge PRIMARY KEY (id),
  CONSTRAINT fk_knowledge_owner_id_users FOREIGN KEY (owner_id) REFERENCES public.users (id)
);

CREATE INDEX ix_knowledge_title ON public.knowledge (title);
