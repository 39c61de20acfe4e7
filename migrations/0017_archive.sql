-- Projects that nothing can connect to any more, until they are brought back.
ALTER TABLE project ADD COLUMN archived_at BIGINT;
