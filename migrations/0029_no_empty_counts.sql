-- A client at a project of which no connection is left has no row any more.
DELETE FROM connection_count WHERE active + expired + revoked = 0;
