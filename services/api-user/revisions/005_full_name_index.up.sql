-- Alone in its file: CONCURRENTLY lets the running service write on, and is refused inside a transaction.
CREATE INDEX CONCURRENTLY ix_profiles_full_name ON profiles (full_name, user_id);
