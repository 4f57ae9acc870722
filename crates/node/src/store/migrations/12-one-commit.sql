-- One accepted commit for each epoch of a group of ours: numbered here, or read back (section 10). What is kept of others'
-- groups is what their owners have told, also where that does not hold.
CREATE UNIQUE INDEX event_one_commit ON event (grp, epoch)
    WHERE kind = 'commit' AND (submission IS NOT NULL OR adopted = 1);
