-- Between which moments a connection may be counted as something else than its times say:
-- the program finds those few in the order of time, and the indexes that were kept for them,
-- and written by every revoke, can go.
CREATE TABLE connection_bounds (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1), -- there is one row
    -- Connections that are counted as active were used, and authorized, after these moments.
    active_used_after BIGINT NOT NULL,
    active_authorized_after BIGINT NOT NULL,
    -- Those that are counted as expired were used until the one, or authorized until the other.
    expired_used_until BIGINT NOT NULL,
    expired_authorized_until BIGINT NOT NULL
);
INSERT INTO connection_bounds (id, active_used_after, active_authorized_after,
                               expired_used_until, expired_authorized_until)
SELECT 1,
       COALESCE((SELECT MIN(last_used_at) - 1 FROM connection WHERE revoked_at IS NULL AND NOT lapsed), 0),
       COALESCE((SELECT MIN(authorized_at) - 1 FROM connection WHERE revoked_at IS NULL AND NOT lapsed), 0),
       COALESCE((SELECT MAX(last_used_at) FROM connection WHERE revoked_at IS NULL AND lapsed),
                -9223372036854775807 - 1),
       -9223372036854775807 - 1;
DROP INDEX connection_live_by_use;
DROP INDEX connection_live_by_age;
DROP INDEX connection_lapsed_by_use;

-- How many of those that were authorized between two dates, or that nobody has used for long,
-- have expired or were revoked, without a look at them.
DROP INDEX connection_by_age;
CREATE INDEX connection_by_age ON connection (authorized_at, id, last_used_at);
DROP INDEX connection_revoked;
CREATE INDEX connection_revoked ON connection (authorized_at, id, last_used_at) WHERE revoked_at IS NOT NULL;
