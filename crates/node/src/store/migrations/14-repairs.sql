-- What is wrong and can be acted upon, while it is so and afterwards (`repairs.rs`). What is open is so once for each subject
-- and kind, whatever the process believes.
CREATE TABLE repair (
    id                  BLOB PRIMARY KEY,
    subject             TEXT NOT NULL,
    kind                TEXT NOT NULL,
    code                TEXT NOT NULL,
    stage               TEXT,
    severity            TEXT NOT NULL,
    side                TEXT NOT NULL,
    text                TEXT NOT NULL,
    groups              INTEGER NOT NULL,
    users               INTEGER NOT NULL,
    submissions         INTEGER NOT NULL,
    since               INTEGER NOT NULL,
    raised              INTEGER NOT NULL,
    seen                INTEGER NOT NULL,
    gone                INTEGER,
    -- When the operator last ignored it, and while that holds, how it was then.
    ignored_at          INTEGER,
    ignored_severity    TEXT,
    ignored_groups      INTEGER NOT NULL DEFAULT 0,
    ignored_users       INTEGER NOT NULL DEFAULT 0,
    ignored_submissions INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX repair_open ON repair (subject, kind) WHERE gone IS NULL;
CREATE INDEX repair_gone ON repair (gone DESC) WHERE gone IS NOT NULL;
