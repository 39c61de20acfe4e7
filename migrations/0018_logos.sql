-- What people recognize a client by: the word for one of the shapes that come with
-- Untether, or the name of its own picture, which is a hash of it. NULL for its first letter.
ALTER TABLE client ADD COLUMN logo TEXT;
CREATE INDEX client_by_logo ON client (logo) WHERE logo IS NOT NULL;

-- Pictures that people gave to clients, as Untether drew them again: small PNGs.
CREATE TABLE client_picture (
    client_id TEXT NOT NULL PRIMARY KEY REFERENCES client (id) ON DELETE CASCADE,
    png BYTEA NOT NULL
);
