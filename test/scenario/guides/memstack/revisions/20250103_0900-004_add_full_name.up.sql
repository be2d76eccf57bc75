-- orch: message Add full_name column and migrate data.

-- 1. Add new column (nullable)
ALTER TABLE users ADD COLUMN full_name VARCHAR;

-- 2. Migrate data
UPDATE users SET full_name = first_name || ' ' || last_name WHERE full_name IS NULL;

-- 3. Make column non-nullable if needed
-- ALTER TABLE users ALTER COLUMN full_name SET NOT NULL;
