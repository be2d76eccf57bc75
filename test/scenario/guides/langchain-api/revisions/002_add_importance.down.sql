ALTER TABLE memories DROP COLUMN importance;
