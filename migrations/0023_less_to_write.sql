-- What a revoke has to write: an entry in the order of use says nothing of the end of a
-- connection any more, and nothing is kept in the order of sizes, which one statement sorts.
DROP INDEX connection_by_use;
CREATE INDEX connection_by_use ON connection (last_used_at, id);
DROP INDEX connection_total_by_size;
