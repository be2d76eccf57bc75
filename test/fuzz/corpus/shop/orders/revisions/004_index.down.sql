-- orch:transaction none
DROP INDEX CONCURRENTLY customers_name;
