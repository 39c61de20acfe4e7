-- What lists sort, search and count by. All of it follows from other columns and
-- only makes them fast: what is shown and enforced never depends on it alone.

-- Names in lower case, to sort and to search by. Those of a client, a person and
-- a project stand in each of their connections too, so that one index gives the
-- order. (The program writes them with Unicode's lower case; this is for rows
-- that were there before.)
ALTER TABLE people ADD COLUMN folded TEXT NOT NULL DEFAULT '';
UPDATE people SET folded = lower(name) || '
' || lower(email);
ALTER TABLE client ADD COLUMN folded TEXT NOT NULL DEFAULT '';
UPDATE client SET folded = lower(name) || '
' || lower(identifier);
ALTER TABLE project ADD COLUMN folded TEXT NOT NULL DEFAULT '';
UPDATE project SET folded = lower(name);

ALTER TABLE connection ADD COLUMN folded TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN client_folded TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN project_folded TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN person_folded TEXT NOT NULL DEFAULT '';
-- What stands before and after the last # of the name, for the search.
ALTER TABLE connection ADD COLUMN stem TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN label TEXT NOT NULL DEFAULT '';
-- Whether the counts have it as expired; the sweep brings this up to date.
ALTER TABLE connection ADD COLUMN lapsed BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE connection
SET folded = lower(name),
    stem = lower(name),
    client_folded = (SELECT folded FROM client WHERE client.id = connection.client_id),
    project_folded = (SELECT folded FROM project WHERE project.id = connection.project_id),
    person_folded = (SELECT folded FROM people WHERE people.id = connection.person_id);

CREATE INDEX connection_by_name ON connection (folded, id);
CREATE INDEX connection_by_client_name ON connection (client_folded, id);
CREATE INDEX connection_by_project_name ON connection (project_folded, id);
CREATE INDEX connection_by_person_name ON connection (person_folded, id);
CREATE INDEX connection_by_use ON connection (last_used_at, id, revoked_at);
CREATE INDEX connection_by_client_use ON connection (client_id, last_used_at);
CREATE INDEX connection_by_stem ON connection (stem, id);
CREATE INDEX connection_by_label ON connection (label, id);
CREATE INDEX connection_revoked ON connection (authorized_at, id) WHERE revoked_at IS NOT NULL;
-- Those that the sweep looks for, and that correct the counts until it has run.
CREATE INDEX connection_live_by_use ON connection (last_used_at) WHERE revoked_at IS NULL AND NOT lapsed;
CREATE INDEX connection_lapsed_by_use ON connection (last_used_at) WHERE revoked_at IS NULL AND lapsed;
CREATE INDEX connection_revoked_by_end ON connection (revoked_at) WHERE revoked_at IS NOT NULL;

-- Every stem and every label that a name has or had: far fewer than names, so
-- that a search can look at each of them.
CREATE TABLE connection_stem (
    text TEXT NOT NULL PRIMARY KEY
);
INSERT INTO connection_stem (text) SELECT DISTINCT stem FROM connection;
CREATE TABLE connection_label (
    text TEXT NOT NULL PRIMARY KEY
);
INSERT INTO connection_label (text) SELECT DISTINCT label FROM connection;

-- How many connections each client has at each project. `active` and `expired`
-- go by `lapsed`.
CREATE TABLE connection_count (
    client_id TEXT NOT NULL REFERENCES client (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    active BIGINT NOT NULL,
    expired BIGINT NOT NULL,
    revoked BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, project_id)
);
INSERT INTO connection_count (client_id, project_id, active, expired, revoked, last_used_at)
SELECT client_id, project_id,
       COUNT(*) FILTER (WHERE revoked_at IS NULL),
       0,
       COUNT(revoked_at),
       MAX(last_used_at)
FROM connection
GROUP BY client_id, project_id;
CREATE INDEX connection_count_by_project ON connection_count (project_id);

-- How many connections there are of each client, person and project, and in all.
-- The latest use is written down some seconds later than in `connection`: it
-- gives groups their order.
CREATE TABLE connection_total (
    kind TEXT NOT NULL CHECK (kind IN ('all', 'client', 'person', 'project')),
    id TEXT NOT NULL, -- empty when the kind is 'all'
    active BIGINT NOT NULL,
    expired BIGINT NOT NULL,
    revoked BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
INSERT INTO connection_total (kind, id, active, expired, revoked, last_used_at)
SELECT 'client', client_id, COUNT(*) - COUNT(revoked_at), 0, COUNT(revoked_at), MAX(last_used_at)
FROM connection
GROUP BY client_id;
INSERT INTO connection_total (kind, id, active, expired, revoked, last_used_at)
SELECT 'person', person_id, COUNT(*) - COUNT(revoked_at), 0, COUNT(revoked_at), MAX(last_used_at)
FROM connection
GROUP BY person_id;
INSERT INTO connection_total (kind, id, active, expired, revoked, last_used_at)
SELECT 'project', project_id, COUNT(*) - COUNT(revoked_at), 0, COUNT(revoked_at), MAX(last_used_at)
FROM connection
GROUP BY project_id;
INSERT INTO connection_total (kind, id, active, expired, revoked, last_used_at)
SELECT 'all', '', COUNT(*) - COUNT(revoked_at), 0, COUNT(revoked_at), COALESCE(MAX(last_used_at), 0)
FROM connection;
CREATE INDEX connection_total_by_use ON connection_total (kind, last_used_at, id);
CREATE INDEX client_by_name ON client (folded, id);
CREATE INDEX people_by_name ON people (folded, id);
