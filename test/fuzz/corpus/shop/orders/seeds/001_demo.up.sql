-- orch:message demo rows
INSERT INTO customers VALUES (10, 'Demo');
