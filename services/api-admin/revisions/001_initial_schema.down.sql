-- The extension stays: it belongs to the admin role, and the database had it before this revision.
DROP TABLE langchain_pg_embedding;
DROP TABLE langchain_pg_collection;
DROP TABLE prompt_templates;
DROP TABLE documents;
DROP TABLE collections;
DROP TABLE knowledge_bases;
DROP TABLE system_settings;
DROP TABLE login_logs;
DROP TABLE system_logs;
DROP FUNCTION update_updated_at_column();
