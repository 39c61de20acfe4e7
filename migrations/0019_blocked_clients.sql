-- Clients that are blocked for everyone, everywhere: what lists filter by.
CREATE INDEX client_block_for_everyone ON client_block (identity)
WHERE person_id IS NULL AND project_id IS NULL;
