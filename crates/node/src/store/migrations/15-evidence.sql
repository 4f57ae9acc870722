-- What somebody else needs to verify that an owner told two stories (section 10): the provider documents, as JSON, in which
-- the keys of its checkpoints stood, and the events of both stories without their bodies, as CBOR, from the one in which they
-- part on. NULL where they were not kept.
ALTER TABLE checkpoint ADD COLUMN document TEXT;
ALTER TABLE contradiction ADD COLUMN before_document TEXT;
ALTER TABLE contradiction ADD COLUMN had_events BLOB;
ALTER TABLE contradiction ADD COLUMN document TEXT;
ALTER TABLE contradiction ADD COLUMN said_events BLOB;

-- The newest checkpoint with which our copy agreed when another took its place in `checkpoint` that it does not agree with, or
-- that goes beyond it: it proves what the owner had said before.
CREATE TABLE agreed_checkpoint (
    grp      INTEGER PRIMARY KEY REFERENCES mls_group (id) ON DELETE CASCADE,
    seq      INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    jws      TEXT NOT NULL,
    document TEXT
) STRICT;
