-- Times are milliseconds since 1970, ids 16 bytes, identifiers and states the text of the wire.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Who we know. A provider without a row is unknown.
CREATE TABLE peer (
    provider   TEXT PRIMARY KEY,
    state      TEXT NOT NULL,
    since      INTEGER NOT NULL,
    decided_by TEXT,
    ignored    INTEGER NOT NULL DEFAULT 0,
    paused     INTEGER NOT NULL DEFAULT 0,
    their_state TEXT,
    -- Whether its feed has been pulled since it became allowed (section 11).
    pulled     INTEGER NOT NULL DEFAULT 0,
    last_pull  INTEGER
) STRICT;
CREATE INDEX peer_by_state ON peer (state, since);

-- The keys accepted so far for each peer (section 3).
CREATE TABLE peer_key (
    provider   TEXT NOT NULL REFERENCES peer (provider) ON DELETE CASCADE,
    thumbprint TEXT NOT NULL,
    PRIMARY KEY (provider, thumbprint)
) STRICT, WITHOUT ROWID;

-- What went wrong with a peer, one row for each kind, counted while it repeats.
CREATE TABLE trouble (
    provider TEXT NOT NULL,
    stage    TEXT NOT NULL,
    code     TEXT NOT NULL,
    text     TEXT NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    over     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, stage, code)
) STRICT, WITHOUT ROWID;

-- How far we have pulled each peer's feed.
CREATE TABLE cursor (
    provider   TEXT PRIMARY KEY,
    generation TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    item       BLOB,
    head       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The ids of the items received, so that none is taken twice after a reset (section 11).
CREATE TABLE received (
    provider TEXT NOT NULL,
    item     BLOB NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (provider, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX received_by_age ON received (at);

-- What we have to tell: one feed for each peer and for each client of ours (a client's URI as the reader).
CREATE TABLE feed (
    reader     TEXT PRIMARY KEY,
    generation TEXT NOT NULL,
    first      INTEGER NOT NULL,
    head       INTEGER NOT NULL,
    acked      INTEGER NOT NULL DEFAULT 0,
    acked_item BLOB,
    pulled_at  INTEGER
) STRICT, WITHOUT ROWID;

-- `body` is the whole item, as JSON of the wire.
CREATE TABLE feed_item (
    reader TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    item   BLOB NOT NULL,
    at     INTEGER NOT NULL,
    body   BLOB NOT NULL,
    PRIMARY KEY (reader, seq)
) STRICT, WITHOUT ROWID;

-- Nonces used under a keyid (section 4, `replayed`).
CREATE TABLE nonce (
    keyid TEXT NOT NULL,
    nonce BLOB NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (keyid, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonce_by_age ON nonce (until);

-- Requests for a connection, and connections (section 7). Of a request between two users here, `peer` is our
-- own authority and `outgoing` is 0.
CREATE TABLE connection (
    peer       TEXT NOT NULL,
    outgoing   INTEGER NOT NULL,
    id         BLOB NOT NULL,
    from_user  TEXT NOT NULL,
    to_user    TEXT NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    state      TEXT NOT NULL,
    changed    INTEGER NOT NULL,
    decided_by TEXT,
    -- The requester was told of the refusal.
    told       INTEGER NOT NULL DEFAULT 0,
    ignored    INTEGER NOT NULL DEFAULT 0,
    -- The request is to someone who does not exist, or is blocked by a rule: nobody is shown it.
    unseen     INTEGER NOT NULL DEFAULT 0,
    -- What the other provider has still to be told of an outgoing request: 'post', 'delete' or nothing.
    unsent     TEXT,
    -- What the other provider answered when it refused the request for good.
    refused    TEXT,
    PRIMARY KEY (peer, outgoing, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX connection_by_users ON connection (from_user, to_user);
CREATE INDEX connection_by_expiry ON connection (state, expires);
CREATE INDEX connection_unsent ON connection (peer) WHERE unsent IS NOT NULL;

-- Requests taken back before they came (section 7).
CREATE TABLE withdrawn (
    peer TEXT NOT NULL,
    id   BLOB NOT NULL,
    at   INTEGER NOT NULL,
    PRIMARY KEY (peer, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE user (
    name    TEXT PRIMARY KEY,
    rule    TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE client (
    user      TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    token     BLOB NOT NULL UNIQUE,
    created   INTEGER NOT NULL,
    last_seen INTEGER,
    PRIMARY KEY (user, name)
) STRICT;

-- Standing decisions; `user` is empty where it holds for all.
CREATE TABLE rule (
    user   TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL,
    rule   TEXT NOT NULL,
    since  INTEGER NOT NULL,
    PRIMARY KEY (user, source)
) STRICT, WITHOUT ROWID;
