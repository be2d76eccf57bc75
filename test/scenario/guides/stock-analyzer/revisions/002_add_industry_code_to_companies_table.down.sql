ALTER TABLE companies DROP COLUMN industry_code;
