-- A group that is let go of is gone for everybody at once, and its rows go afterwards, a few at a time. Its own row stays for as long as
-- an item of a feed names one of its events: it says what that item tells, and keeps another group from getting its number. No question
-- finds it, since questions are asked of the view.
ALTER TABLE mls_group RENAME TO any_group;
-- The URI of one that was let go of. Its `uri` is its number then, since the group may be met anew.
ALTER TABLE any_group ADD COLUMN forgotten TEXT;
CREATE INDEX group_forgotten ON any_group (id) WHERE forgotten IS NOT NULL;
CREATE VIEW mls_group AS SELECT * FROM any_group WHERE forgotten IS NULL;

-- Feeds that are no more, and of which items or objects are left: they go a few at a time, too.
CREATE TABLE dropped_feed (id INTEGER PRIMARY KEY) STRICT;
