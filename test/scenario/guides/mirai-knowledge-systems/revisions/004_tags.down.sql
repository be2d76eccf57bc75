DROP TABLE public.tags;
