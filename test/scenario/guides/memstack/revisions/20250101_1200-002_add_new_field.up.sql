-- orch: message Add new_field to memories table
ALTER TABLE memories ADD COLUMN new_field VARCHAR;
