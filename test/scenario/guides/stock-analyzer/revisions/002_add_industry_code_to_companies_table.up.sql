-- orch: message Add industry_code to companies table
ALTER TABLE companies ADD COLUMN industry_code VARCHAR(10);
