DROP RULE quiet ON customers; DROP FUNCTION one(); DROP FUNCTION total(bigint);
