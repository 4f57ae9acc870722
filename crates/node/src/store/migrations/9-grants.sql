-- The grants by which a commit was accepted, which its hash covers (section 10): a CBOR array of texts, NULL for none.
ALTER TABLE event ADD COLUMN grants BLOB;

-- Whether the owner of a group has proved that a member agreed to be added, where a commit that was followed here has
-- added it; NULL where nothing was to be proved.
ALTER TABLE member ADD COLUMN proof TEXT;
CREATE INDEX member_to_check ON member (grp) WHERE proof = 'open';
