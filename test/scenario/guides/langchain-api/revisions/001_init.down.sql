DROP TABLE memories;
DROP TABLE words;
