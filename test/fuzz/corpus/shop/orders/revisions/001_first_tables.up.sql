-- orch:message make the first tables
-- orch:parents none
-- orch:author Ada Lovelace <ada@example.org>
-- orch:created 2026-01-31
/* a comment /* within */ one */
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'O''Brien');
CREATE TABLE "Order lines" (id bigint, customer bigint REFERENCES customers, note text DEFAULT E'a\'b');
