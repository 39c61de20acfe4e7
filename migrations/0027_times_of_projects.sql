-- How many connections of a project were authorized and last used when is counted in an index
-- alone: of all that there are, and of those that were revoked.
DROP INDEX connection_by_project;
CREATE INDEX connection_by_project ON connection (project_id, authorized_at, id, last_used_at);
DROP TABLE connection_revocation;
CREATE TABLE connection_revocation (
    id TEXT NOT NULL, -- the connection's
    project_id TEXT NOT NULL,
    authorized_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL,
    -- The order of lists; with the rest, what filters ask for is counted in it alone.
    PRIMARY KEY (authorized_at, id, last_used_at, project_id)
);
INSERT INTO connection_revocation (id, project_id, authorized_at, last_used_at, revoked_at)
SELECT id, project_id, authorized_at, last_used_at, revoked_at
FROM connection
WHERE revoked_at IS NOT NULL
ORDER BY authorized_at, id;
CREATE INDEX connection_revocation_by_end ON connection_revocation (revoked_at);
