-- orch: message Create new_tables table.
CREATE TABLE new_tables (
    id VARCHAR PRIMARY KEY,
    name VARCHAR(500) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);
