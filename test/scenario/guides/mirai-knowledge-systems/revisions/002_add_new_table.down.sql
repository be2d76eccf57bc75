DROP TABLE public.new_table;
