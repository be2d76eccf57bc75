-- orch: message Add new_table
CREATE TABLE public.new_table (
  id         SERIAL       NOT NULL,
  name       VARCHAR(100) NOT NULL,
  created_at TIMESTAMP    DEFAULT now(),
  CONSTRAINT pk_new_table PRIMARY KEY (id)
);
