--orch: parents 004
SELECT U&'d\0061t\+000061', x'1f', 1e3, $q$;$q$, ARRAY[1, 2][1];
