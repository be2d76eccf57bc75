DROP TABLE stock_prices;
DROP TABLE companies;
