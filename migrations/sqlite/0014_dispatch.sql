-- What people ordered to be sent at the desk. The page is answered at once, and the order settled after it: a plan for a
-- million readers takes a while.
CREATE TABLE send_order (
    -- Made by the page that the button stands on: a button that is pressed twice is one order.
    id BLOB PRIMARY KEY,
    month TEXT NOT NULL,
    -- The plan that they looked at.
    fingerprint TEXT NOT NULL,
    recipients INTEGER NOT NULL,
    -- When it is to start (JSON).
    due TEXT NOT NULL,
    state TEXT NOT NULL,
    -- The account that asked for it, and its name then.
    asked_by BLOB NOT NULL,
    asked_name TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    -- Who agreed to it, where a second person has to.
    agreed_name TEXT,
    -- Since when it may be settled.
    placed_at TEXT,
    campaign_id INTEGER,
    -- Why nothing was sent, as a word.
    because TEXT
) STRICT, WITHOUT ROWID;
-- One of a month at a time.
CREATE UNIQUE INDEX send_order_open ON send_order (month) WHERE state IN ('asked', 'placed', 'settled', 'recalled');
CREATE INDEX send_order_to_do ON send_order (state) WHERE state IN ('placed', 'recalled');
CREATE INDEX send_order_asked_at ON send_order (asked_at);

-- Whoever did not get a campaign is found without reading through who did.
CREATE INDEX delivery_missed ON delivery (campaign_id, state, id) WHERE state IN ('bounced', 'suppressed');

-- Figures of campaigns, counted after the fact: no page counts a million deliveries.
CREATE TABLE campaign_figures (
    campaign_id INTEGER PRIMARY KEY,
    -- What was there when they were counted: the same mark, the same figures.
    mark TEXT NOT NULL,
    counted_at TEXT NOT NULL,
    took_ms INTEGER NOT NULL,
    -- How many could be tried again, and why.
    again_refused INTEGER NOT NULL,
    again_unknown INTEGER NOT NULL,
    again_lifted INTEGER NOT NULL
) STRICT;

-- How deliveries to one receiving domain stand; '' stands for all small ones together.
CREATE TABLE campaign_domain (
    campaign_id INTEGER NOT NULL,
    domain TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    deferred INTEGER NOT NULL,
    in_flight INTEGER NOT NULL,
    bounced INTEGER NOT NULL,
    suppressed INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, domain)
) STRICT, WITHOUT ROWID;

-- What the servers of a domain said, and how often.
CREATE TABLE campaign_refusal (
    campaign_id INTEGER NOT NULL,
    domain TEXT NOT NULL,
    kind TEXT NOT NULL,
    class TEXT NOT NULL,
    status TEXT NOT NULL,
    mails INTEGER NOT NULL,
    -- The last of their words, without addresses.
    words TEXT NOT NULL,
    PRIMARY KEY (campaign_id, domain, kind, class, status)
) STRICT, WITHOUT ROWID;

-- How many readers had asked for a topic when the campaign was counted first, and to how many a summary of it went.
CREATE TABLE campaign_topic (
    campaign_id INTEGER NOT NULL,
    -- '*': every topic, by who chose none.
    topic TEXT NOT NULL,
    asked INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, topic)
) STRICT, WITHOUT ROWID;

-- The record of consents, counted by the hour (UTC) up to a line of it.
CREATE TABLE reader_hour (
    hour TEXT PRIMARY KEY,
    granted INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    erased INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE reader_hour_end (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    consent_id INTEGER NOT NULL
) STRICT;
INSERT INTO reader_hour_end (one, consent_id) VALUES (1, 0);

-- How many readers there were at the end of a day, as counted last on it.
CREATE TABLE reader_day (
    day TEXT PRIMARY KEY,
    active INTEGER NOT NULL,
    suppressed INTEGER NOT NULL,
    counted_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
