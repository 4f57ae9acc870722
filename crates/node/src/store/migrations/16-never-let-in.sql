-- Who only waited and showed another key was held back as one that had been let in, beyond every bound. Who was ever let in has a
-- feed, which begins with that. The others wait again, under the key that they show next.
CREATE TEMP TABLE never_let_in AS
    SELECT provider FROM peer
    WHERE state = 'key-changed' AND decided_by IS NULL AND NOT EXISTS (SELECT 1 FROM feed WHERE reader = provider);
DELETE FROM peer_key WHERE provider IN (SELECT provider FROM never_let_in);
DELETE FROM trouble WHERE code = 'key-changed' AND provider IN (SELECT provider FROM never_let_in);
DELETE FROM connection
    WHERE NOT outgoing AND state <> 'approved' AND peer IN (SELECT provider FROM never_let_in);
UPDATE peer SET state = 'pending' WHERE provider IN (SELECT provider FROM never_let_in);
DROP TABLE never_let_in;
