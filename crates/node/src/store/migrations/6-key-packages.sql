-- When the lifetime of a KeyPackage begins. Of those that are here only the end is known, and that a lifetime is 84 days and
-- an hour at most: one that ends later than that from now has not begun.
ALTER TABLE key_package ADD COLUMN begins INTEGER NOT NULL DEFAULT 0;
ALTER TABLE handed_out ADD COLUMN begins INTEGER NOT NULL DEFAULT 0;
UPDATE key_package SET begins = max(0, ends - 7261200);
UPDATE handed_out SET begins = max(0, ends - 7261200);
