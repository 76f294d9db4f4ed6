-- How many deliveries the plan came to: what the states of the account must add up to.
ALTER TABLE campaign ADD COLUMN planned BIGINT NOT NULL DEFAULT 0;
UPDATE campaign SET planned = (SELECT count(*) FROM delivery d WHERE d.campaign_id = campaign.id);
-- Why the service paused it by itself, in words for the operator.
ALTER TABLE campaign ADD COLUMN paused_because TEXT;
-- What of the tally a person had seen when they let it go on: the storm that follows is measured from there.
ALTER TABLE campaign ADD COLUMN forgiven_ended BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN forgiven_refused BIGINT NOT NULL DEFAULT 0;

-- What each sender has written down as ended, beside the deliveries themselves and in the same transactions:
-- a second book, which must agree with the first.
CREATE TABLE tally (
    campaign_id BIGINT NOT NULL REFERENCES campaign (id),
    -- The sender's number; 0 for what was there before the tally was kept.
    sender BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    bounced BIGINT NOT NULL,
    -- Of the bounced, those that were refused rather than given up at the end of their life.
    refused BIGINT NOT NULL,
    first_at TIMESTAMPTZ NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (campaign_id, sender)
);
INSERT INTO tally (campaign_id, sender, accepted, bounced, refused, first_at, last_at)
SELECT campaign_id, 0, count(*) FILTER (WHERE state = 'accepted'), count(*) FILTER (WHERE state = 'bounced'),
    count(*) FILTER (WHERE state = 'bounced' AND COALESCE(reply, '') NOT LIKE 'given up%'), min(changed_at), max(changed_at)
FROM delivery WHERE state IN ('accepted', 'bounced') GROUP BY campaign_id;

-- Few deliveries are ever in these states: they are counted without a look at the others.
CREATE INDEX delivery_open ON delivery (state, due_at) WHERE state IN ('deferred', 'unknown');

-- Written to see whether anything can be written.
CREATE TABLE probe (
    id BIGINT PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL
);
