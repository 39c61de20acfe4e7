-- One body of SQL for SQLite and PostgreSQL. Times are BIGINT milliseconds since
-- the Unix epoch, ids UUIDv7 text, secrets only ever keyed hashes.

-- Everyone who has connected something, as the SSO proxy last described them.
CREATE TABLE people (
    id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    groups TEXT, -- JSON list; NULL when the proxy says nothing about groups
    first_seen_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    deactivated_at BIGINT
);

-- MCP servers that the organization protects.
CREATE TABLE project (
    id TEXT NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    resource TEXT NOT NULL,            -- exactly as registered: the audience
    resource_key TEXT NOT NULL UNIQUE, -- the spelling that requests are matched by
    created_at BIGINT NOT NULL
);

CREATE TABLE project_scope (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    optional BOOLEAN NOT NULL,
    PRIMARY KEY (project_id, name)
);

CREATE TABLE project_administrator (
    principal TEXT NOT NULL, -- an e-mail in lower case, or group:NAME
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    PRIMARY KEY (principal, project_id)
);

-- What a project's MCP server authenticates with at the introspection endpoint.
CREATE TABLE project_credential (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    secret_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- OAuth client registrations.
CREATE TABLE client (
    id TEXT NOT NULL PRIMARY KEY,
    identifier TEXT NOT NULL UNIQUE, -- the OAuth client_id
    origin TEXT NOT NULL CHECK (origin IN ('console', 'api', 'registered', 'document')),
    project_id TEXT REFERENCES project (id),
    name TEXT NOT NULL,
    client_type TEXT NOT NULL CHECK (client_type IN ('confidential', 'public')),
    secret_hash TEXT,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    CHECK ((client_type = 'confidential') = (secret_hash IS NOT NULL))
);

CREATE TABLE redirect_uri (
    client_id TEXT NOT NULL REFERENCES client (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    uri TEXT NOT NULL,
    PRIMARY KEY (client_id, position)
);

-- What one consent creates: the unit of access and of revocation.
CREATE TABLE connection (
    id TEXT NOT NULL PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id),
    client_id TEXT NOT NULL REFERENCES client (id),
    project_id TEXT NOT NULL REFERENCES project (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    authorized_at BIGINT NOT NULL,
    connected_at BIGINT, -- when the client redeemed its code; NULL until then
    last_used_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoked_by TEXT,
    revoked_reason TEXT,
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX connection_by_age ON connection (authorized_at, id);
CREATE INDEX connection_by_person ON connection (person_id, authorized_at, id);
CREATE INDEX connection_by_project ON connection (project_id, authorized_at, id);
CREATE INDEX connection_by_client ON connection (client_id, authorized_at, id);

CREATE TABLE authorization_code (
    hash TEXT NOT NULL PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    redeemed_at BIGINT
);
CREATE INDEX authorization_code_by_connection ON authorization_code (connection_id);

-- Access and refresh tokens. Whether one works is never stored here: it follows
-- from its connection.
CREATE TABLE token (
    hash TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('access', 'refresh')),
    connection_id TEXT NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    rotated_at BIGINT -- when a refresh token was exchanged for a new one
);
CREATE INDEX token_by_connection ON token (connection_id, expires_at);

-- Who did what to what. It outlives what it speaks of: names are copied and
-- nothing refers to other tables.
CREATE TABLE audit_event (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT,
    reason TEXT,
    connection_id TEXT,
    connection_name TEXT,
    client_id TEXT,
    client_name TEXT,
    project_id TEXT,
    project_name TEXT,
    person_id TEXT,
    person_email TEXT
);
CREATE INDEX audit_event_by_age ON audit_event (at, id);
CREATE INDEX audit_event_by_connection ON audit_event (connection_id);

-- Rows that acts on several connections lock first, so that two of them never
-- wait for each other.
CREATE TABLE setting (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO setting (key, value) VALUES ('several connections', 'lock');
