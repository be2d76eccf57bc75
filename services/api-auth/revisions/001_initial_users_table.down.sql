-- The extension stays: it belongs to the admin role, and the database had it before this revision.
DROP TABLE users;
