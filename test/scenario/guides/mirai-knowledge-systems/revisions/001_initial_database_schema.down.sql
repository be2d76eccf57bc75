DROP TABLE public.knowledge;
DROP TABLE public.users;
