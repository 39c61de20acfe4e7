-- A term with a # is looked for in the stems of the names whose labels begin with what
-- follows it, without a look at the connections themselves.
DROP INDEX connection_by_label;
CREATE INDEX connection_by_label ON connection (label, stem, id);
