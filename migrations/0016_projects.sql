-- Projects are looked after on pages, by several people at once.
ALTER TABLE project ADD COLUMN version BIGINT NOT NULL DEFAULT 1; -- one more with each edit
ALTER TABLE project ADD COLUMN manage_url TEXT;   -- where else the server is looked after
-- When a reverse proxy last asked about a token that works.
ALTER TABLE project ADD COLUMN asked_at BIGINT;
-- What the last check of its server came to, in words.
ALTER TABLE project ADD COLUMN checked_at BIGINT;
ALTER TABLE project ADD COLUMN check_level TEXT CHECK (check_level IN ('ok', 'warning', 'problem'));
ALTER TABLE project ADD COLUMN check_outcome TEXT;
CREATE INDEX project_by_name ON project (folded, id);
CREATE INDEX project_administrator_by_project ON project_administrator (project_id, principal);

-- `revoked_at` may lie ahead: then the credential works until that moment.
ALTER TABLE project_credential ADD COLUMN last_used_at BIGINT;
CREATE INDEX project_credential_by_project ON project_credential (project_id, created_at, id);

CREATE INDEX client_of_project ON client (project_id) WHERE project_id IS NOT NULL;
-- What happened to a project itself.
CREATE INDEX audit_event_by_project ON audit_event (project_id, at, id)
WHERE connection_id IS NULL AND client_id IS NULL;
