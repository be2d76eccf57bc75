-- orch: message drop simplicity, a release after nobody reads it any more
ALTER TABLE memories DROP COLUMN simplicity;
