-- What this client has made for a group, by the hash of its MLS message, until its event comes: an event in its name that
-- is not here was made by another state of it.
CREATE TABLE sent (
  conversation TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (conversation, hash)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO sent (conversation, hash) SELECT conversation, hash FROM outgoing WHERE hash IS NOT NULL;
