-- orch: message Ratings, from another branch
-- orch: author Ren
ALTER TABLE public.knowledge ADD COLUMN rating INTEGER;
