-- orch:variables region schema_name
-- orch:irreversible the old rows are gone
CREATE SCHEMA :"schema_name";
INSERT INTO customers SELECT 1, :'region' WHERE '1'::text = '1';
COPY customers (id, name) FROM STDIN;
2	Grace\tHopper
3	\N
\.
DELETE FROM customers WHERE id = 3;
