-- orch:transaction none
SELECT 1;
