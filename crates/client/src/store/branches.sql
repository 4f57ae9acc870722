-- The hashes of the latest events taken in, by which it is seen that the log of a group is another than it was.
CREATE TABLE heard (
  conversation TEXT NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;
-- What was submitted and has its place in a log, for as long as the owner of the group may have to take that back.
CREATE TABLE placed (
  submission TEXT PRIMARY KEY, conversation TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX placed_at ON placed (at);
