-- What people ordered to be sent at the desk. The page is answered at once, and the order settled after it: a plan for a
-- million readers takes a while.
CREATE TABLE send_order (
    -- Made by the page that the button stands on: a button that is pressed twice is one order.
    id UUID PRIMARY KEY,
    month TEXT NOT NULL,
    -- The plan that they looked at.
    fingerprint TEXT NOT NULL,
    recipients BIGINT NOT NULL,
    -- When it is to start (JSON).
    due JSONB NOT NULL,
    state TEXT NOT NULL,
    -- The account that asked for it, and its name then.
    asked_by UUID NOT NULL,
    asked_name TEXT NOT NULL,
    asked_at TIMESTAMPTZ NOT NULL,
    -- Who agreed to it, where a second person has to.
    agreed_name TEXT,
    -- Since when it may be settled.
    placed_at TIMESTAMPTZ,
    campaign_id BIGINT,
    -- Why nothing was sent, as a word.
    because TEXT
);
-- One of a month at a time.
CREATE UNIQUE INDEX send_order_open ON send_order (month) WHERE state IN ('asked', 'placed', 'settled', 'recalled');
CREATE INDEX send_order_to_do ON send_order (state) WHERE state IN ('placed', 'recalled');
CREATE INDEX send_order_asked_at ON send_order (asked_at);

-- Whoever did not get a campaign is found without reading through who did.
CREATE INDEX delivery_missed ON delivery (campaign_id, state, id) WHERE state IN ('bounced', 'suppressed');

-- Figures of campaigns, counted after the fact: no page counts a million deliveries.
CREATE TABLE campaign_figures (
    campaign_id BIGINT PRIMARY KEY,
    -- What was there when they were counted: the same mark, the same figures.
    mark TEXT NOT NULL,
    counted_at TIMESTAMPTZ NOT NULL,
    took_ms BIGINT NOT NULL,
    -- How many could be tried again, and why.
    again_refused BIGINT NOT NULL,
    again_unknown BIGINT NOT NULL,
    again_lifted BIGINT NOT NULL
);

-- How deliveries to one receiving domain stand; '' stands for all small ones together.
CREATE TABLE campaign_domain (
    campaign_id BIGINT NOT NULL,
    domain TEXT NOT NULL,
    accepted BIGINT NOT NULL,
    waiting BIGINT NOT NULL,
    deferred BIGINT NOT NULL,
    in_flight BIGINT NOT NULL,
    bounced BIGINT NOT NULL,
    suppressed BIGINT NOT NULL,
    unknown BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, domain)
);

-- What the servers of a domain said, and how often.
CREATE TABLE campaign_refusal (
    campaign_id BIGINT NOT NULL,
    domain TEXT NOT NULL,
    kind TEXT NOT NULL,
    class TEXT NOT NULL,
    status TEXT NOT NULL,
    mails BIGINT NOT NULL,
    -- The last of their words, without addresses.
    words TEXT NOT NULL,
    PRIMARY KEY (campaign_id, domain, kind, class, status)
);

-- How many readers had asked for a topic when the campaign was counted first, and to how many a summary of it went.
CREATE TABLE campaign_topic (
    campaign_id BIGINT NOT NULL,
    -- '*': every topic, by who chose none.
    topic TEXT NOT NULL,
    asked BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, topic)
);

-- The record of consents, counted by the hour (UTC) up to a line of it.
CREATE TABLE reader_hour (
    hour TIMESTAMPTZ PRIMARY KEY,
    granted BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL,
    erased BIGINT NOT NULL
);
CREATE TABLE reader_hour_end (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    consent_id BIGINT NOT NULL
);
INSERT INTO reader_hour_end (one, consent_id) VALUES (1, 0);

-- How many readers there were at the end of a day, as counted last on it.
CREATE TABLE reader_day (
    day TEXT PRIMARY KEY,
    active BIGINT NOT NULL,
    suppressed BIGINT NOT NULL,
    counted_at TIMESTAMPTZ NOT NULL
);
