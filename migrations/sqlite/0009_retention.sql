-- Until when the reader wants nothing; NULL: they do not pause.
ALTER TABLE subscriber ADD COLUMN paused_until TEXT;
-- When a consent that was only implied runs out; NULL: it was given in so many words, and does not.
ALTER TABLE subscriber ADD COLUMN consent_until TEXT;
-- Few are looked for, among many.
CREATE INDEX subscriber_ended ON subscriber (id) WHERE state = 'ended';
CREATE INDEX subscriber_consent_until ON subscriber (consent_until) WHERE consent_until IS NOT NULL;

-- What a day's tidying took away: the record that retention is kept to, with nothing about who.
CREATE TABLE retention_run (
    day TEXT PRIMARY KEY,
    ran_at TEXT NOT NULL,
    -- Readers who left, or whose implied consent had run out.
    readers INTEGER NOT NULL,
    -- Deliveries that name nobody any more.
    deliveries INTEGER NOT NULL,
    requests INTEGER NOT NULL
) STRICT;
