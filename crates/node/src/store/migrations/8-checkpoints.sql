-- What the owner of a group has said last of its log, signed (section 10). It proves what it covers.
CREATE TABLE checkpoint (
    grp  INTEGER PRIMARY KEY REFERENCES mls_group (id) ON DELETE CASCADE,
    seq  INTEGER NOT NULL,
    hash BLOB NOT NULL,
    jws  TEXT NOT NULL
) STRICT;

-- What proves that an owner told two stories of one event: what it has said, and what it had said before, in a checkpoint
-- or, where `before` is absent, in the event itself. Kept for as long as the group is known.
CREATE TABLE contradiction (
    grp    INTEGER NOT NULL REFERENCES mls_group (id) ON DELETE CASCADE,
    seq    INTEGER NOT NULL,
    had    BLOB NOT NULL,
    before TEXT,
    said   BLOB NOT NULL,
    jws    TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (grp, seq, said)
) STRICT, WITHOUT ROWID;
