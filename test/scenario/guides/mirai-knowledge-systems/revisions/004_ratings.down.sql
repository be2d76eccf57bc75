ALTER TABLE public.knowledge DROP COLUMN rating;
