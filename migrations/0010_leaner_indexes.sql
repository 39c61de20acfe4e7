-- The part of a connection's name before its last # is nearly always part of its
-- client's name, so a search that has looked at clients need only look at the others.
-- (The program makes the index for that, connection_by_other_stem.)
DROP INDEX connection_by_stem;
DROP TABLE connection_stem;

-- The connections of one client in the order of their names. What was sought by the
-- client and the last use, connection_by_client finds as well.
CREATE INDEX connection_by_client_and_name ON connection (client_id, folded, id);
DROP INDEX connection_by_client_use;

-- Clients of one kind, without a look at all of them.
CREATE INDEX client_by_origin ON client (origin, client_type, id);
CREATE INDEX client_by_type ON client (client_type, id);
