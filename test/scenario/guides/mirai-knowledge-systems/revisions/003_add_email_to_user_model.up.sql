-- orch: message Add email to User model
ALTER TABLE public.users ADD COLUMN email VARCHAR(255);
ALTER TABLE public.users ADD CONSTRAINT uq_users_email UNIQUE (email);
