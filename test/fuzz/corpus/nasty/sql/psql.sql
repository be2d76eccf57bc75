\restrict abc
\! touch EXECUTED
SELECT 1 \gexec
\copy t FROM PROGRAM 'touch EXECUTED'
\set x `touch EXECUTED`
\if :x \endif \; \\ \.
\unrestrict abc
