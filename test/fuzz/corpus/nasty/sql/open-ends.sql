-- orch:message open ends
SELECT 'a; -- orch:late
SELECT $a$ $b$ ; $b$ $A$;
/* /* */ SELECT "x;
