-- What lists, counts and the sweep ask of revoked connections, in a table of its own: no index
-- of `connection` changes with a revoke any more, so that PostgreSQL can write the row beside
-- its old version (a heap-only tuple) and leave the other indexes alone.
CREATE TABLE connection_revocation (
    id TEXT NOT NULL, -- the connection's
    authorized_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL,
    -- The order of lists; with the last use, how many of them have expired is counted in it alone.
    PRIMARY KEY (authorized_at, id, last_used_at)
);
INSERT INTO connection_revocation (id, authorized_at, last_used_at, revoked_at)
SELECT id, authorized_at, last_used_at, revoked_at
FROM connection
WHERE revoked_at IS NOT NULL
ORDER BY authorized_at, id;
CREATE INDEX connection_revocation_by_end ON connection_revocation (revoked_at);
DROP INDEX connection_revoked;
DROP INDEX connection_revoked_by_end;
DROP INDEX connection_waiting;
CREATE INDEX connection_waiting ON connection (authorized_at) WHERE connected_at IS NULL;
