-- Messages of which something rests on the word of the participant that the provider has read it back from.
ALTER TABLE message ADD COLUMN unproved INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_unproved ON message (conversation) WHERE unproved;
