-- Nullable, so that nothing is rewritten and the running service goes on inserting; 004 fills it.
ALTER TABLE profiles ADD COLUMN full_name text;
