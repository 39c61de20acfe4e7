-- What happened to a client itself: who made it, among others.
CREATE INDEX audit_event_by_client ON audit_event (client_id, at, id) WHERE connection_id IS NULL;
