-- orch: message Tags, from one branch
-- orch: author Aki
CREATE TABLE public.tags (name VARCHAR(50) NOT NULL, CONSTRAINT pk_tags PRIMARY KEY (name));
