DROP TABLE query_classifications;

ALTER TABLE knowledge_bases
  DROP COLUMN meta_summarised_at,
  DROP COLUMN meta_statistics,
  DROP COLUMN meta_keywords,
  DROP COLUMN meta_summary;
