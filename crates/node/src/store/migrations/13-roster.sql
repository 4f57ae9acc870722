-- How many clients, users and providers each group has is counted as its members come and go, so that a list of groups
-- reads no roster.
CREATE TABLE roster (
    grp       INTEGER PRIMARY KEY REFERENCES mls_group (id) ON DELETE CASCADE,
    clients   INTEGER NOT NULL,
    users     INTEGER NOT NULL,
    providers INTEGER NOT NULL
) STRICT;
INSERT INTO roster (grp, clients, users, providers)
    SELECT grp, count(*), count(DISTINCT user), count(DISTINCT provider) FROM member GROUP BY grp;
CREATE TRIGGER member_comes AFTER INSERT ON member BEGIN
    INSERT INTO roster (grp, clients, users, providers) VALUES (new.grp, 1, 1, 1) ON CONFLICT (grp) DO UPDATE SET
        clients = clients + 1,
        users = users
            + NOT EXISTS (SELECT 1 FROM member WHERE user = new.user AND grp = new.grp AND leaf <> new.leaf),
        providers = providers
            + NOT EXISTS (SELECT 1 FROM member WHERE provider = new.provider AND grp = new.grp AND leaf <> new.leaf);
END;
CREATE TRIGGER member_goes AFTER DELETE ON member BEGIN
    UPDATE roster SET
        clients = clients - 1,
        users = users - NOT EXISTS (SELECT 1 FROM member WHERE user = old.user AND grp = old.grp),
        providers = providers - NOT EXISTS (SELECT 1 FROM member WHERE provider = old.provider AND grp = old.grp)
        WHERE grp = old.grp;
END;
