-- orch: message add importance: nullable first, then filled, then enforced
ALTER TABLE memories ADD COLUMN importance INTEGER;
UPDATE memories SET importance = simplicity;
ALTER TABLE memories ALTER COLUMN importance SET NOT NULL;
