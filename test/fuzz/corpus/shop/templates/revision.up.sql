{{head}}
-- {{message}} ({{name}})
