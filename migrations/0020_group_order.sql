-- Groups in the order of how many connections each has that nobody ended, and how many such
-- groups there are.
CREATE INDEX connection_total_by_size ON connection_total (kind, (active + expired), id);
