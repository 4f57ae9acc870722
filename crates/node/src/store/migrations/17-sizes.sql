-- What a group's log takes is counted as its events come and go, so that nobody has to read the log for it. It stands in the group's
-- row, which changes with each event anyway.
-- Events here, and octets of their contents: bodies and grants.
ALTER TABLE mls_group ADD COLUMN events INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mls_group ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;
-- Of application messages below this number, retention has removed the bodies (section 12).
ALTER TABLE mls_group ADD COLUMN bodies_from INTEGER NOT NULL DEFAULT 1;
UPDATE mls_group SET (events, octets) =
    (SELECT count(*), coalesce(sum(coalesce(length(body), 0) + coalesce(length(grants), 0)), 0)
     FROM event WHERE grp = mls_group.id);
CREATE TRIGGER event_comes AFTER INSERT ON event BEGIN
    UPDATE mls_group SET events = events + 1,
        octets = octets + coalesce(length(new.body), 0) + coalesce(length(new.grants), 0) WHERE id = new.grp;
END;
CREATE TRIGGER event_goes AFTER DELETE ON event BEGIN
    UPDATE mls_group SET events = events - 1,
        octets = octets - coalesce(length(old.body), 0) - coalesce(length(old.grants), 0),
        bodies_from = min(bodies_from, old.seq) WHERE id = old.grp;
END;
CREATE TRIGGER event_body_changes AFTER UPDATE OF body ON event BEGIN
    UPDATE mls_group SET octets = octets - coalesce(length(old.body), 0) + coalesce(length(new.body), 0)
        WHERE id = new.grp;
END;

-- Octets that a feed's items have of their own, with the objects that they name. Most items name an event of a log and have none.
ALTER TABLE feed ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;
UPDATE feed SET octets =
    (SELECT coalesce(sum(length(body)), 0) FROM feed_item WHERE feed = feed.id AND body IS NOT NULL)
    + (SELECT coalesce(sum(length(bytes)), 0) FROM object WHERE feed = feed.id);
CREATE TRIGGER item_comes AFTER INSERT ON feed_item WHEN new.body IS NOT NULL BEGIN
    UPDATE feed SET octets = octets + length(new.body) WHERE id = new.feed;
END;
CREATE TRIGGER item_goes AFTER DELETE ON feed_item WHEN old.body IS NOT NULL BEGIN
    UPDATE feed SET octets = octets - length(old.body) WHERE id = old.feed;
END;
CREATE TRIGGER item_body_changes AFTER UPDATE OF body ON feed_item BEGIN
    UPDATE feed SET octets = octets - coalesce(length(old.body), 0) + coalesce(length(new.body), 0)
        WHERE id = new.feed;
END;
CREATE TRIGGER object_comes AFTER INSERT ON object BEGIN
    UPDATE feed SET octets = octets + length(new.bytes) WHERE id = new.feed;
END;
CREATE TRIGGER object_goes AFTER DELETE ON object BEGIN
    UPDATE feed SET octets = octets - length(old.bytes) WHERE id = old.feed;
END;
