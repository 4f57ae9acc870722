-- Application messages of our own groups that were read back from a participant, and that no checkpoint of ours is known to
-- cover (section 12): from whom, and when. NULL where a message is proved. Of what was read back before this step, it is
-- not known.
ALTER TABLE event ADD COLUMN unproved TEXT;
ALTER TABLE event ADD COLUMN unproved_since INTEGER;
CREATE INDEX event_unproved ON event (grp, seq) WHERE unproved IS NOT NULL;
