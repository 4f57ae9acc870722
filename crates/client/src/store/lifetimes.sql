-- When a KeyPackage begins to be good. Of those that are here only the end is known, and that none is good for longer than 84
-- days and an hour.
ALTER TABLE key_package ADD COLUMN begins INTEGER NOT NULL DEFAULT 0;
UPDATE key_package SET begins = max(0, expires - 7261200);
