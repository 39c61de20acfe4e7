-- The clients at a project in the order of their latest use, as its administrators see them.
DROP INDEX connection_count_by_project;
CREATE INDEX connection_count_by_project ON connection_count (project_id, last_used_at, client_id);
