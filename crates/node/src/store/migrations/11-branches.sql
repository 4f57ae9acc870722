-- A store that went back may number again what it has numbered before (section 12). Of two histories of a group that come
-- from that, one counts, and the events of the other are kept here for the operator to look at. Whose submissions they were is
-- known at the owner: to a repeat, it answers that they are gone.
CREATE TABLE abandoned_event (
    grp        INTEGER NOT NULL REFERENCES mls_group (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    hash       BLOB NOT NULL,
    kind       TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    sender     TEXT NOT NULL,
    time       INTEGER NOT NULL,
    grants     BLOB,
    body       BLOB,
    size       INTEGER NOT NULL,
    body_hash  BLOB NOT NULL,
    prev       BLOB NOT NULL,
    submitter  TEXT,
    submission BLOB,
    -- When it was found that they do not count.
    at         INTEGER NOT NULL,
    PRIMARY KEY (grp, seq, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX abandoned_by_submission ON abandoned_event (submission, grp, submitter) WHERE submission IS NOT NULL;

-- How a group of ours stood when a life of the process first put something into its log: where the store was an older copy,
-- two histories part there. The latest few are kept.
CREATE TABLE restart_point (
    grp         INTEGER NOT NULL REFERENCES mls_group (id) ON DELETE CASCADE,
    seq         INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    policy      BLOB,
    -- The public state as it was kept then, and the epoch that it is of; the log up to `seq` brings it up to date.
    state_epoch INTEGER NOT NULL,
    state       BLOB NOT NULL,
    info        BLOB,
    PRIMARY KEY (grp, seq)
) STRICT, WITHOUT ROWID;
-- Who was in the group then, and who was told of it; as in `member` and `audience`.
CREATE TABLE restart_member (
    grp         INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    leaf        INTEGER NOT NULL,
    client      TEXT NOT NULL,
    user        TEXT NOT NULL,
    provider    TEXT NOT NULL,
    since_epoch INTEGER NOT NULL,
    added_by    TEXT NOT NULL,
    grant_jws   TEXT,
    leaving     INTEGER NOT NULL,
    proof       TEXT,
    PRIMARY KEY (grp, seq, leaf),
    FOREIGN KEY (grp, seq) REFERENCES restart_point (grp, seq) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE restart_audience (
    grp   INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    feed  INTEGER NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    since INTEGER NOT NULL,
    until INTEGER,
    PRIMARY KEY (grp, seq, feed),
    FOREIGN KEY (grp, seq) REFERENCES restart_point (grp, seq) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX restart_audience_by_feed ON restart_audience (feed);

-- What our clients have submitted to groups of other owners, and the place that the owner gave it: where another event has
-- that place in the end, the client is told that its own is gone.
CREATE TABLE placed_submission (
    grp        INTEGER NOT NULL REFERENCES mls_group (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    hash       BLOB NOT NULL,
    client     TEXT NOT NULL,
    submission BLOB NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (grp, seq, hash)
) STRICT, WITHOUT ROWID;
