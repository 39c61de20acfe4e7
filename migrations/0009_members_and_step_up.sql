-- Who may connect to a project: a JSON list of e-mails and group:NAME; NULL when
-- everyone may.
ALTER TABLE project ADD COLUMN members TEXT;
-- What redeeming the code makes of the scopes of a connection that was there
-- before; NULL when the connection was made with the code.
ALTER TABLE authorization_code ADD COLUMN scopes TEXT;
