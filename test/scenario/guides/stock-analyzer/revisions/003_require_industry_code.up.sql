-- orch: message Make industry_code mandatory
ALTER TABLE companies ADD COLUMN sector VARCHAR(50);
ALTER TABLE companies ALTER COLUMN industry_code SET NOT NULL;
