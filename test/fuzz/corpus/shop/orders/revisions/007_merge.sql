-- orch:parents 006_branch 005
SELECT 1
