ALTER TABLE memories DROP COLUMN new_field;
