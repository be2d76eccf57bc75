-- orch: message Create companies and stock_prices tables
CREATE TABLE companies (
  symbol VARCHAR(10) NOT NULL,
  name   VARCHAR(255),
  CONSTRAINT pk_companies PRIMARY KEY (symbol)
);

CREATE TABLE stock_prices (
  symbol VARCHAR(10)    NOT NULL,
  date   DATE           NOT NULL,
  close  NUMERIC(12, 2) NOT NULL,
  CONSTRAINT pk_stock_prices PRIMARY KEY (symbol, date),
  CONSTRAINT fk_stock_prices_symbol_companies FOREIGN KEY (symbol) REFERENCES companies (symbol)
);

CREATE INDEX ix_stock_prices_date ON stock_prices (date);
