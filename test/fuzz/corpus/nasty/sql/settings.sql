SET standard_conforming_strings = off;
SELECT 'a\'; \! touch EXECUTED
'; RESET ALL; SET client_encoding = 'SJIS';
SELECT set_config('standard_conforming_strings', 'on', false);
BEGIN; COMMIT AND CHAIN; ROLLBACK PREPARED 'x'; PREPARE TRANSACTION 'y'; SAVEPOINT a; END;
