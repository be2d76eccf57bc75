CREATE TABLE roles (
  name        text NOT NULL,
  description text NOT NULL,
  CONSTRAINT pk_roles PRIMARY KEY (name)
);

INSERT INTO roles (name, description) VALUES
  ('user', 'Reads and writes what is their own'),
  ('admin', 'Also writes what everybody shares');
