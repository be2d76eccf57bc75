-- orch: message The column may be there already
ALTER TABLE memories ADD COLUMN IF NOT EXISTS new_field VARCHAR;
