CREATE TABLE profiles (
  -- The id that api-auth gave the user. No foreign key: that table is in another service's database.
  user_id    uuid        NOT NULL,
  email      text        NOT NULL,
  first_name text        NOT NULL,
  last_name  text        NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_profiles PRIMARY KEY (user_id)
);

CREATE INDEX ix_profiles_email ON profiles (email);
