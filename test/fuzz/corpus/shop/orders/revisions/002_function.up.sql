-- orch:labels base, billing_v2
-- orch:lock_timeout 5s
-- orch:lock_retry 10m
-- orch:statement_timeout 1h
CREATE FUNCTION total(bigint) RETURNS bigint LANGUAGE plpgsql AS $body$
BEGIN
  RETURN (SELECT count(*) FROM customers WHERE id = $1);
END
$body$;
CREATE FUNCTION one() RETURNS int BEGIN ATOMIC SELECT 1; END;
CREATE RULE quiet AS ON INSERT TO customers WHERE new.id < 0 DO INSTEAD (SELECT 1; SELECT 2);
