-- What one client remembers. Columns are what has to be found; everything else is in the sealed `body`.
CREATE TABLE own (name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
-- MLS state, as openmls asks for it; the key is a hash.
CREATE TABLE mls (key BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE key_package (
  reference BLOB PRIMARY KEY, last_resort INTEGER NOT NULL, published INTEGER NOT NULL, expires INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE conversation (name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE message (
  place INTEGER PRIMARY KEY, conversation TEXT NOT NULL, unread INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX message_conversation ON message (conversation, place);
CREATE INDEX message_unread ON message (conversation) WHERE unread;
-- The names under which a message is known: its own, and those of its edits and reactions.
CREATE TABLE name (
  conversation TEXT NOT NULL, id BLOB NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (conversation, id)
) STRICT, WITHOUT ROWID;
-- What is on its way to the owner of a group, in the order in which it was said.
CREATE TABLE outgoing (
  place INTEGER PRIMARY KEY, conversation TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
  submission TEXT UNIQUE, hash BLOB, body BLOB NOT NULL
) STRICT;
CREATE INDEX outgoing_conversation ON outgoing (conversation, place);
-- What is wanted of a group until a commit has brought it about.
CREATE TABLE intent (
  place INTEGER PRIMARY KEY, conversation TEXT NOT NULL, due INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
