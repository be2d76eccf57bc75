ALTER TABLE public.users DROP CONSTRAINT uq_users_email;
ALTER TABLE public.users DROP COLUMN email;
