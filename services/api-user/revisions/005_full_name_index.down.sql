DROP INDEX CONCURRENTLY ix_profiles_full_name;
