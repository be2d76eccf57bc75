ALTER TABLE companies ALTER COLUMN industry_code DROP NOT NULL;
ALTER TABLE companies DROP COLUMN sector;
