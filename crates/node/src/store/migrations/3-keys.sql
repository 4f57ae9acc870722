-- In which order a peer's keys were accepted: who shows none of them is told the last one (section 6).
ALTER TABLE peer_key ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
