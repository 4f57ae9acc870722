-- Authorizations to add (section 8). Of one between two users here, `peer` is our own authority and `outgoing`
-- is 0, as for connections.
CREATE TABLE authorization (
    peer       TEXT NOT NULL,
    outgoing   INTEGER NOT NULL,
    id         BLOB NOT NULL,
    group_uri  TEXT NOT NULL,
    adder      TEXT NOT NULL,
    user       TEXT NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    state      TEXT NOT NULL,
    changed    INTEGER NOT NULL,
    decided_by TEXT,
    told       INTEGER NOT NULL DEFAULT 0,
    ignored    INTEGER NOT NULL DEFAULT 0,
    unseen     INTEGER NOT NULL DEFAULT 0,
    unsent     TEXT,
    refused    TEXT,
    -- The grant, where it is approved, and when that ends.
    grant_jws  TEXT,
    grant_ends INTEGER,
    PRIMARY KEY (peer, outgoing, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX authorization_by_users ON authorization (user, adder, group_uri);
CREATE INDEX authorization_by_expiry ON authorization (state, expires);
CREATE INDEX authorization_by_id ON authorization (id);
CREATE INDEX authorization_by_group ON authorization (group_uri);
CREATE INDEX authorization_unsent ON authorization (peer) WHERE unsent IS NOT NULL;

-- What a user here lets a connected user do: add to groups without asking, never, or ask (no row).
CREATE TABLE add_rule (
    user  TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
    other TEXT NOT NULL,
    rule  TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (user, other)
) STRICT, WITHOUT ROWID;

-- KeyPackages that our clients have published, until they are handed out (section 9).
CREATE TABLE key_package (
    user        TEXT NOT NULL,
    client      TEXT NOT NULL,
    ref         BLOB NOT NULL,
    suite       INTEGER NOT NULL,
    last_resort INTEGER NOT NULL,
    -- Seconds since 1970.
    ends        INTEGER NOT NULL,
    -- What its leaf can do, in the form of MLS RequiredCapabilities.
    supports    BLOB NOT NULL,
    added       INTEGER NOT NULL,
    package     BLOB NOT NULL,
    PRIMARY KEY (user, client, ref),
    FOREIGN KEY (user, client) REFERENCES client (user, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- KeyPackages that were handed out: which to which grant, so that a repeat gets the same, and whose they are, so
-- that a Welcome finds its client.
CREATE TABLE handed_out (
    jti      BLOB NOT NULL,
    user     TEXT NOT NULL,
    client   TEXT NOT NULL,
    -- The group that its user agreed to be added to; none where it was for the user's own other client.
    group_uri TEXT,
    ref      BLOB NOT NULL,
    -- As in `key_package`.
    suite    INTEGER NOT NULL,
    ends     INTEGER NOT NULL,
    supports BLOB NOT NULL,
    package  BLOB NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (jti, user, client),
    FOREIGN KEY (user, client) REFERENCES client (user, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX handed_out_by_ref ON handed_out (ref);

-- Grants used at us as the owner of a group, and grants taken back before they were used (section 8).
CREATE TABLE spent_grant (
    iss  TEXT NOT NULL,
    jti  BLOB NOT NULL,
    ends INTEGER NOT NULL,
    PRIMARY KEY (iss, jti)
) STRICT, WITHOUT ROWID;
CREATE TABLE revoked_grant (
    iss TEXT NOT NULL,
    jti BLOB NOT NULL,
    at  INTEGER NOT NULL,
    PRIMARY KEY (iss, jti)
) STRICT, WITHOUT ROWID;

-- Groups: those that we own, and those that our users are in.
CREATE TABLE mls_group (
    id         INTEGER PRIMARY KEY,
    uri        TEXT NOT NULL UNIQUE,
    owner      TEXT NOT NULL,
    created    INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    -- The lowest event here, and the last with its hash.
    first      INTEGER NOT NULL,
    head       INTEGER NOT NULL,
    hash       BLOB NOT NULL,
    -- The policy of the group context (CBOR), and the cipher suite.
    policy     BLOB,
    suite      INTEGER NOT NULL,
    -- 'live'; 'joining' until its public state is here; 'over' without a member here; 'broken' with the reason.
    standing   TEXT NOT NULL,
    fault      TEXT
) STRICT;

-- What is large is beside it, since a group's row changes with each of its events.
-- The public state as it was in an epoch; the log brings it up to date.
CREATE TABLE public_state (
    grp   INTEGER PRIMARY KEY REFERENCES mls_group (id) ON DELETE CASCADE,
    epoch INTEGER NOT NULL,
    state BLOB NOT NULL
) STRICT;
-- The GroupInfo of the current epoch, as its committer made it.
CREATE TABLE group_info (
    grp  INTEGER PRIMARY KEY REFERENCES mls_group (id) ON DELETE CASCADE,
    info BLOB NOT NULL
) STRICT;

CREATE TABLE event (
    grp        INTEGER NOT NULL REFERENCES mls_group (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    sender     TEXT NOT NULL,
    time       INTEGER NOT NULL,
    -- NULL where it is still to be fetched, or was dropped.
    body       BLOB,
    size       INTEGER NOT NULL,
    body_hash  BLOB NOT NULL,
    prev       BLOB NOT NULL,
    hash       BLOB NOT NULL,
    -- At the owner: who submitted it, under which id.
    submitter  TEXT,
    submission BLOB
) STRICT;
CREATE UNIQUE INDEX event_by_number ON event (grp, seq);
-- The id first: it begins with the time, so what comes together stands together.
CREATE UNIQUE INDEX event_by_submission ON event (submission, grp, submitter) WHERE submission IS NOT NULL;
CREATE INDEX event_by_object ON event (body_hash) WHERE size > 65536;

-- Whose leaves a group's tree has now.
CREATE TABLE member (
    grp         INTEGER NOT NULL REFERENCES mls_group (id) ON DELETE CASCADE,
    leaf        INTEGER NOT NULL,
    client      TEXT NOT NULL,
    user        TEXT NOT NULL,
    provider    TEXT NOT NULL,
    since_epoch INTEGER NOT NULL,
    added_by    TEXT NOT NULL,
    grant_jws   TEXT,
    -- It has proposed its own removal.
    leaving     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (grp, leaf)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_by_client ON member (client, grp);
CREATE INDEX member_by_user ON member (user, grp);
CREATE INDEX member_by_provider ON member (provider, grp);

-- Who is told of a group's events: other providers (at the owner) and clients of ours, from which number on, and
-- up to which, where that is behind them.
CREATE TABLE audience (
    grp    INTEGER NOT NULL REFERENCES mls_group (id) ON DELETE CASCADE,
    reader TEXT NOT NULL,
    since  INTEGER NOT NULL,
    until  INTEGER,
    PRIMARY KEY (grp, reader)
) STRICT, WITHOUT ROWID;
CREATE INDEX audience_by_reader ON audience (reader, grp);

-- An item of a feed that is an event is named by it, and has no body of its own.
ALTER TABLE feed_item ADD COLUMN grp INTEGER;
ALTER TABLE feed_item ADD COLUMN event INTEGER;

-- Bytes too large for a page that no event holds, for those whose feed names them (section 11).
CREATE TABLE object (
    sha256 BLOB NOT NULL,
    reader TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    bytes  BLOB NOT NULL,
    PRIMARY KEY (sha256, reader, seq)
) STRICT, WITHOUT ROWID;

-- What our clients have submitted to groups that others own, until the owner has answered.
CREATE TABLE outbox (
    place      INTEGER PRIMARY KEY,
    owner      TEXT NOT NULL,
    group_uri  TEXT NOT NULL,
    client     TEXT NOT NULL,
    id         BLOB NOT NULL,
    queued     INTEGER NOT NULL,
    submission BLOB NOT NULL,
    UNIQUE (group_uri, id)
) STRICT;
CREATE INDEX outbox_by_owner ON outbox (owner, place);
CREATE INDEX outbox_by_client ON outbox (client);
