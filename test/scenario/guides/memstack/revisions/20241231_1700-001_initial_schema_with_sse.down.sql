DROP TABLE task_logs;
DROP TABLE memories;
DROP TABLE users;
