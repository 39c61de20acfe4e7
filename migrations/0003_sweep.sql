-- What the sweep looks for, so that it never reads more than what is due, and
-- the e-mail that commands name a person by.
CREATE INDEX connection_live_by_age ON connection (authorized_at) WHERE revoked_at IS NULL AND NOT lapsed;
CREATE INDEX connection_waiting ON connection (authorized_at) WHERE revoked_at IS NULL AND connected_at IS NULL;
CREATE INDEX client_revoked ON client (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX token_by_end ON token (expires_at);
CREATE INDEX people_by_email ON people (email);
