-- What it held is gone; importance was filled from it.
ALTER TABLE memories ADD COLUMN simplicity INTEGER NOT NULL DEFAULT 0;
UPDATE memories SET simplicity = importance;
