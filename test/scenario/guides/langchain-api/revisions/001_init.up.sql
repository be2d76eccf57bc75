-- orch: message init
CREATE TABLE words (
  id         SERIAL NOT NULL,
  text       TEXT   NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
  CONSTRAINT pk_words PRIMARY KEY (id),
  CONSTRAINT uq_words_text UNIQUE (text)
);

CREATE TABLE memories (
  id         SERIAL  NOT NULL,
  word_id    INTEGER NOT NULL,
  content    TEXT    NOT NULL,
  simplicity INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT pk_memories PRIMARY KEY (id),
  CONSTRAINT fk_memories_word_id_words FOREIGN KEY (word_id) REFERENCES words (id)
);

CREATE INDEX ix_memories_word_id ON memories (word_id);
