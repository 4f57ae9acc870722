-- When an event was put into this store, by its clock. What its owner says when it was accepted may be far ahead of that.
ALTER TABLE event ADD COLUMN stored INTEGER;
-- Of what was here before, it is known that it was here by now.
INSERT INTO setting (name, value) VALUES ('events-stored-by', (CAST(strftime('%s', 'now') AS INTEGER) * 1000) || '');
