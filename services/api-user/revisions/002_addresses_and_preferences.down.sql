DROP TABLE preferences;
DROP TABLE addresses;
