-- Clients are looked after on pages, by several people at once.
ALTER TABLE client ADD COLUMN version BIGINT NOT NULL DEFAULT 1; -- one more with each change
CREATE INDEX client_by_project ON client (project_id, folded, id) WHERE project_id IS NOT NULL;

-- The name of the client whose revocation the act is; NULL when it is one of connections.
ALTER TABLE bulk_act ADD COLUMN client_name TEXT;
