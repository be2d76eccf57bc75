ALTER TABLE profiles DROP COLUMN full_name;
