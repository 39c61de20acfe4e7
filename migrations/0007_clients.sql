-- What a client that registered itself looks like to a person, so that those that
-- look alike are found together. NULL for others, and until the sweep has come by
-- for those that were there before.
ALTER TABLE client ADD COLUMN look_alike TEXT;
CREATE INDEX client_by_look ON client (look_alike, created_at, id) WHERE look_alike IS NOT NULL;
CREATE INDEX client_without_look ON client (id) WHERE origin = 'registered' AND look_alike IS NULL;
-- Those among which the sweep looks for unused ones.
CREATE INDEX client_registered ON client (created_at) WHERE origin = 'registered' AND revoked_at IS NULL;

-- Clients that were removed: hosts remember their ids for ever, and a person who is
-- sent here with one reads what has become of it.
CREATE TABLE client_tombstone (
    identifier TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('unused', 'revoked')),
    ended_at BIGINT NOT NULL,  -- since when it cannot be used
    removed_at BIGINT NOT NULL
);
CREATE INDEX client_tombstone_by_age ON client_tombstone (removed_at);
