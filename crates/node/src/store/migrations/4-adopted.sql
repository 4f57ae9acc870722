-- Events of our own groups that were read back from a participant after our store had lost them (section 12). Under
-- which id they were submitted is lost: a repeat is known by its sender and its body.
ALTER TABLE event ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;
CREATE INDEX event_adopted ON event (grp, body_hash) WHERE adopted = 1;
