CREATE TABLE addresses (
  id          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
  user_id     uuid        NOT NULL,
  label       text        NOT NULL,
  street      text        NOT NULL,
  postal_code text        NOT NULL,
  city        text        NOT NULL,
  country     text        NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_addresses PRIMARY KEY (id),
  CONSTRAINT fk_addresses_user_id_profiles FOREIGN KEY (user_id) REFERENCES profiles (user_id) ON DELETE CASCADE,
  CONSTRAINT ck_addresses_country_iso CHECK (country ~ '^[A-Z]{2}$')
);

CREATE INDEX ix_addresses_user_id ON addresses (user_id);

CREATE TABLE preferences (
  user_id    uuid    NOT NULL,
  language   text    NOT NULL DEFAULT 'en',
  theme      text    NOT NULL DEFAULT 'system',
  newsletter boolean NOT NULL DEFAULT false,
  CONSTRAINT pk_preferences PRIMARY KEY (user_id),
  CONSTRAINT fk_preferences_user_id_profiles FOREIGN KEY (user_id) REFERENCES profiles (user_id) ON DELETE CASCADE,
  CONSTRAINT ck_preferences_theme CHECK (theme IN ('light', 'dark', 'system'))
);
