-- orch:transaction none
-- orch:requires billing@001
CREATE INDEX CONCURRENTLY customers_name ON customers (name);
VACUUM customers;
