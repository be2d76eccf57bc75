import { LEDGER_FORMAT } from '../../core/planners/upgrade.ts';
import { lockKey } from './polled-lock.ts';

/** Those who create the ledger at once queue here, each as the first statement of its transaction. */
export const AWAIT_CREATORS = `SELECT pg_catalog.pg_advisory_xact_lock(${lockKey('create-ledger')})`;

/**
 * The ledger's DDL as one message: PostgreSQL runs it as one transaction, so there is never half a ledger.
 * `IF NOT EXISTS` alone fails for concurrent creators (23505, V9): the transaction-level lock makes them queue.
 * Readable for all is only the view of heads, through its owner's rights: a service can tell its own revision.
 */
export function ledgerSchemaSql(): string {
  return `
${AWAIT_CREATORS};
SET LOCAL search_path = pg_catalog;
SET LOCAL client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS orch;
CREATE TABLE IF NOT EXISTS orch.meta (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  format integer NOT NULL
);
INSERT INTO orch.meta (format) VALUES (${LEDGER_FORMAT}) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS orch.ledger (
  sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  kind text NOT NULL CHECK (kind IN ('revision', 'seed')),
  id text NOT NULL,
  name text NOT NULL,
  parents text[] NOT NULL,
  checksum text NOT NULL,
  state text NOT NULL CHECK (state IN ('started', 'applied', 'reverting')),
  statements_done integer NOT NULL DEFAULT 0,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  duration_ms bigint NOT NULL DEFAULT 0,
  role text NOT NULL DEFAULT current_user,
  host text NOT NULL,
  orch_version text NOT NULL,
  run_id uuid NOT NULL,
  up_text text,
  down_text text,
  up_file text NOT NULL DEFAULT '',
  down_file text,
  down_checksum text,
  requires text[] NOT NULL DEFAULT '{}',
  variables jsonb NOT NULL DEFAULT '{}',
  note text,
  file_gone boolean NOT NULL DEFAULT false,
  PRIMARY KEY (kind, name)
);
CREATE TABLE IF NOT EXISTS orch.cursor (
  kind text NOT NULL,
  revision text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('up', 'down')),
  name text NOT NULL,
  position text,
  rows_done bigint NOT NULL DEFAULT 0,
  finished boolean NOT NULL DEFAULT false,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (kind, revision, direction, name),
  FOREIGN KEY (kind, revision) REFERENCES orch.ledger (kind, name) ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS orch.log (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  run_id uuid NOT NULL,
  action text NOT NULL,
  outcome text NOT NULL,
  revision text,
  duration_ms bigint NOT NULL,
  role text NOT NULL DEFAULT current_user,
  host text NOT NULL,
  orch_version text NOT NULL,
  sqlstate text,
  message text
);
CREATE OR REPLACE FUNCTION orch.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION 'orch.log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
DROP TRIGGER IF EXISTS append_only ON orch.log;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON orch.log
  FOR EACH STATEMENT EXECUTE FUNCTION orch.refuse_change();
CREATE OR REPLACE VIEW orch.heads AS
  SELECT l.name, l.id, l.applied_at FROM orch.ledger AS l
  WHERE l.kind = 'revision' AND l.state = 'applied' AND NOT EXISTS (
    SELECT FROM orch.ledger AS c
    WHERE c.kind = 'revision' AND c.state = 'applied' AND l.name = ANY (c.parents)
  );
${REVOKE_ALL}
GRANT USAGE ON SCHEMA orch TO PUBLIC;
GRANT SELECT ON orch.heads TO PUBLIC;
`;
}

/** Default privileges of the owner (V27) may have given an application role rights on the new tables: they go too. */
const REVOKE_ALL = `
DO $$
DECLARE
  other record;
BEGIN
  FOR other IN
    SELECT DISTINCT g.grantee FROM pg_class AS c, aclexplode(c.relacl) AS g
    WHERE c.relnamespace = 'orch'::regnamespace AND g.grantee <> c.relowner AND g.grantee <> 0
  LOOP
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA orch FROM %I', pg_get_userbyid(other.grantee));
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA orch FROM %I', pg_get_userbyid(other.grantee));
  END LOOP;
END
$$;
REVOKE ALL ON ALL TABLES IN SCHEMA orch FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA orch FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA orch FROM PUBLIC;`;
