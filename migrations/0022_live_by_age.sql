-- The index is of use only to queries that ask for an age: PostgreSQL preferred it, whole, to
-- connection_live_by_use, whose few entries it takes for many.
DROP INDEX connection_live_by_age;
CREATE INDEX connection_live_by_age ON connection (authorized_at)
    WHERE revoked_at IS NULL AND NOT lapsed AND authorized_at IS NOT NULL;
