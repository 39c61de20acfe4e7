-- Clients that may not connect, for everyone or for one person, anywhere or at one
-- project. A block is of what the client is known by, so that it is not got round by
-- registering again: what a client that registered itself looks like, else its
-- client_id.
CREATE TABLE client_block (
    id TEXT NOT NULL PRIMARY KEY,
    identity TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES client (id) ON DELETE CASCADE, -- the one it was made of
    person_id TEXT REFERENCES people (id) ON DELETE CASCADE,          -- NULL for everyone
    project_id TEXT REFERENCES project (id) ON DELETE CASCADE,        -- NULL for every project
    blocked_at BIGINT NOT NULL,
    blocked_by TEXT NOT NULL,
    reason TEXT
);
CREATE UNIQUE INDEX client_block_once
    ON client_block (identity, COALESCE(person_id, ''), COALESCE(project_id, ''));
CREATE INDEX client_block_by_client ON client_block (client_id);
CREATE INDEX client_block_by_person ON client_block (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX client_by_identity ON client (COALESCE(look_alike, identifier));
