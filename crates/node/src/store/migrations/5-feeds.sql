-- Feeds get a number, by which their items and audiences name them: one event goes into many feeds, and a reader's name
-- is long. The head of a feed is its last item, or stands right before `first` where none is kept.
ALTER TABLE feed RENAME TO named_feed;
CREATE TABLE feed (
    id         INTEGER PRIMARY KEY,
    reader     TEXT NOT NULL UNIQUE,
    generation TEXT NOT NULL,
    -- The lowest number still kept; the next to be given where none is.
    first      INTEGER NOT NULL,
    acked      INTEGER NOT NULL DEFAULT 0,
    acked_item BLOB,
    pulled_at  INTEGER
) STRICT;
INSERT INTO feed (reader, generation, first, acked, acked_item, pulled_at)
    SELECT reader, generation,
           coalesce((SELECT min(seq) FROM feed_item WHERE feed_item.reader = named_feed.reader), head + 1),
           acked, acked_item, pulled_at
    FROM named_feed;

-- An item is written in `body`, as JSON of the wire, or is the event `event` of the group `grp`.
ALTER TABLE feed_item RENAME TO named_item;
CREATE TABLE feed_item (
    feed  INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    item  BLOB NOT NULL,
    at    INTEGER NOT NULL,
    body  BLOB,
    grp   INTEGER,
    event INTEGER,
    PRIMARY KEY (feed, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO feed_item (feed, seq, item, at, body, grp, event)
    SELECT id, seq, item, at, iif(event IS NULL, body, NULL), grp, event FROM named_item JOIN feed USING (reader);

ALTER TABLE audience RENAME TO named_audience;
DROP INDEX audience_by_reader;
CREATE TABLE audience (
    grp   INTEGER NOT NULL REFERENCES mls_group (id) ON DELETE CASCADE,
    feed  INTEGER NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    since INTEGER NOT NULL,
    until INTEGER,
    PRIMARY KEY (grp, feed)
) STRICT, WITHOUT ROWID;
CREATE INDEX audience_by_feed ON audience (feed, grp);
INSERT INTO audience (grp, feed, since, until)
    SELECT grp, id, since, until FROM named_audience JOIN feed USING (reader);

ALTER TABLE object RENAME TO named_object;
CREATE TABLE object (
    sha256 BLOB NOT NULL,
    feed   INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    bytes  BLOB NOT NULL,
    PRIMARY KEY (sha256, feed, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO object (sha256, feed, seq, bytes)
    SELECT sha256, id, seq, bytes FROM named_object JOIN feed USING (reader);

DROP TABLE named_object;
DROP TABLE named_audience;
DROP TABLE named_item;
DROP TABLE named_feed;
