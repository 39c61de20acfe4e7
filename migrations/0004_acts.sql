-- Acts on everything that matches a filter: what was confirmed is kept when the
-- act begins, so that it holds whatever changes meanwhile, and any server can go
-- on with it.
CREATE TABLE bulk_act (
    id TEXT NOT NULL PRIMARY KEY, -- made with the confirmation, so that it is begun once
    actor TEXT NOT NULL,          -- whose act, by e-mail
    subject TEXT NOT NULL,        -- the same person, as the SSO proxy identifies them
    address TEXT,
    filter TEXT NOT NULL,         -- in words
    reason TEXT,
    total BIGINT NOT NULL,        -- how many connections were confirmed
    ended BIGINT NOT NULL,        -- how many of them it has ended
    skipped BIGINT NOT NULL,      -- how many had ended, or were gone, before their turn
    started_at BIGINT NOT NULL,
    advanced_at BIGINT NOT NULL,  -- when it last got on
    finished_at BIGINT
);
CREATE INDEX bulk_act_unfinished ON bulk_act (advanced_at) WHERE finished_at IS NULL;

-- The connections that such an act has yet to end, some hundreds in a row.
CREATE TABLE bulk_act_batch (
    act_id TEXT NOT NULL REFERENCES bulk_act (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    connections TEXT NOT NULL,    -- ids with a space between
    PRIMARY KEY (act_id, position)
);

-- What more there is to say of an event, in words.
ALTER TABLE audit_event ADD COLUMN detail TEXT;
