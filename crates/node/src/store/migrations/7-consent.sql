-- What a peer may make us keep is counted, so that no request has to count it.
CREATE TABLE kept (
    peer           TEXT PRIMARY KEY,
    -- Requests that it made, in any state.
    connections    INTEGER NOT NULL DEFAULT 0,
    authorizations INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO kept (peer, connections) SELECT peer, count(*) FROM connection WHERE NOT outgoing GROUP BY peer;
INSERT INTO kept (peer, authorizations)
    SELECT peer, count(*) FROM authorization WHERE NOT outgoing GROUP BY peer
    ON CONFLICT (peer) DO UPDATE SET authorizations = excluded.authorizations;
CREATE TRIGGER connection_comes AFTER INSERT ON connection WHEN NOT new.outgoing BEGIN
    INSERT INTO kept (peer, connections) VALUES (new.peer, 1)
        ON CONFLICT (peer) DO UPDATE SET connections = connections + 1;
END;
CREATE TRIGGER connection_goes AFTER DELETE ON connection WHEN NOT old.outgoing BEGIN
    UPDATE kept SET connections = connections - 1 WHERE peer = old.peer;
END;
CREATE TRIGGER authorization_comes AFTER INSERT ON authorization WHEN NOT new.outgoing BEGIN
    INSERT INTO kept (peer, authorizations) VALUES (new.peer, 1)
        ON CONFLICT (peer) DO UPDATE SET authorizations = authorizations + 1;
END;
CREATE TRIGGER authorization_goes AFTER DELETE ON authorization WHEN NOT old.outgoing BEGIN
    UPDATE kept SET authorizations = authorizations - 1 WHERE peer = old.peer;
END;

-- What still counts is found without reading what is over.
DROP INDEX connection_by_users;
CREATE INDEX connection_by_users ON connection (from_user, to_user, state);
CREATE INDEX connection_by_state ON connection (peer, outgoing, state, changed);
CREATE INDEX connection_by_id ON connection (id);
DROP INDEX authorization_by_users;
CREATE INDEX authorization_by_users ON authorization (user, adder, state);
CREATE INDEX authorization_by_state ON authorization (peer, outgoing, state, changed);

-- What the adder calls the group, and whether the grant was used.
ALTER TABLE authorization ADD COLUMN title TEXT;
ALTER TABLE authorization ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
UPDATE authorization SET used = 1 WHERE EXISTS (
    SELECT 1 FROM spent_grant
    WHERE jti = authorization.id AND substr(user, 1, length(iss) + 10) = 'mimi://' || iss || '/u/'
) OR EXISTS (
    SELECT 1 FROM member WHERE member.user = authorization.user AND member.grant_jws = authorization.grant_jws
);

-- What each peer has taken back before it came has a place, so that the oldest is found without sorting the others.
ALTER TABLE withdrawn RENAME TO unplaced_withdrawn;
CREATE TABLE withdrawn (
    peer  TEXT NOT NULL,
    place INTEGER NOT NULL,
    id    BLOB NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (peer, place)
) STRICT, WITHOUT ROWID;
INSERT INTO withdrawn (peer, place, id, at)
    SELECT peer, row_number() OVER (PARTITION BY peer ORDER BY at, id), id, at FROM unplaced_withdrawn;
DROP TABLE unplaced_withdrawn;
CREATE UNIQUE INDEX withdrawn_by_id ON withdrawn (peer, id);
CREATE INDEX withdrawn_by_age ON withdrawn (at);
