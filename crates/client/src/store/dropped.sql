-- Conversations that are forgotten and of which messages are left: those go a few at a time. No question finds them.
CREATE TABLE dropped (conversation TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
