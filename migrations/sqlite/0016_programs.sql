-- By what programs come in over the HTTP API. SHA-256 of the token; the token itself was shown once.
CREATE TABLE api_token (
    id BLOB PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- Words with spaces between them.
    scopes TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    -- From then on it is worth nothing.
    ends_at TEXT,
    -- When it was used last, to within some minutes.
    used_at TEXT,
    revoked_at TEXT
) STRICT, WITHOUT ROWID;
-- Two that can be used bear no same name: the record of deeds tells them apart by it.
CREATE UNIQUE INDEX api_token_name ON api_token (name) WHERE revoked_at IS NULL;

-- Addresses of other programs that are told what happens.
CREATE TABLE hook (
    id BLOB PRIMARY KEY,
    url TEXT NOT NULL,
    -- Words with spaces between them.
    events TEXT NOT NULL,
    -- Whether it is told readers' addresses.
    with_address INTEGER NOT NULL,
    -- The key of the signatures, sealed with the key file.
    secret BLOB NOT NULL,
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    ended_at TEXT
) STRICT, WITHOUT ROWID;

-- What a hook is to be told, written in the transaction in which it happened. What is said is made when it is told, so
-- that nothing stands here of who is erased.
CREATE TABLE hook_event (
    id INTEGER PRIMARY KEY,
    hook_id BLOB NOT NULL,
    event TEXT NOT NULL,
    at TEXT NOT NULL,
    -- Who it is about, until they are erased or it has been told.
    subscriber_id BLOB,
    -- The month of the campaign that it is about.
    campaign TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- When it is told next; empty when it has been taken or given up.
    due_at TEXT,
    -- The last answer: a status, or why there was none.
    answer TEXT,
    answered_at TEXT,
    is_taken INTEGER NOT NULL
) STRICT;
CREATE INDEX hook_event_due ON hook_event (hook_id, id) WHERE due_at IS NOT NULL;
CREATE INDEX hook_event_newest ON hook_event (hook_id, id);
CREATE INDEX hook_event_reader ON hook_event (subscriber_id) WHERE subscriber_id IS NOT NULL;
CREATE INDEX hook_event_answered ON hook_event (answered_at) WHERE due_at IS NULL;

-- Campaigns whose end was noticed. Of those from before, nothing is told.
CREATE TABLE hook_campaign (
    campaign_id INTEGER PRIMARY KEY
) STRICT;
INSERT INTO hook_campaign (campaign_id) SELECT id FROM campaign;
