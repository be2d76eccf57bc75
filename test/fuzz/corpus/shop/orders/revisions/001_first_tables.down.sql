DROP TABLE "Order lines";
DROP TABLE customers;
