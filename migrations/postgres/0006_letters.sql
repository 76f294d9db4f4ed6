-- Letters are deliveries that belong to no issue: confirmations, welcomes, whatever one person asked for. They go out
-- under a campaign of their own, number 0, which has no issue; and a reader may get any number of them.

-- NULL: the letters' campaign.
ALTER TABLE campaign ALTER COLUMN issue_id DROP NOT NULL;
INSERT INTO campaign (id, issue_id, state, content, fingerprint, on_unknown, planned_at, start_at)
VALUES (0, NULL, 'running', 'null', '', 'retry', '1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z');

-- A letter's own number; 0 for a digest.
ALTER TABLE delivery ADD COLUMN letter BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery DROP CONSTRAINT delivery_campaign_id_subscriber_id_key;
ALTER TABLE delivery ADD UNIQUE (campaign_id, subscriber_id, letter);

-- What was asked for on a page by somebody whom we cannot know there. It is looked at after the page was answered, so
-- that the answer is the same whoever it is about.
CREATE TABLE request (
    id UUID PRIMARY KEY,
    kind TEXT NOT NULL,
    -- The address that was entered; empty once it has been looked at, unless it is to become a reader's new one.
    address TEXT NOT NULL,
    -- Keyed hash of the address as one mailbox is written in several ways: by it requests are limited.
    mailbox_hash BYTEA NOT NULL,
    -- What was chosen, and where; NULL once it is forgotten.
    form JSONB,
    asked_at TIMESTAMPTZ NOT NULL,
    -- NULL until it has been looked at and a letter about it was queued; those that get none are not kept.
    seen_at TIMESTAMPTZ,
    -- Whose it is, if anybody's.
    subscriber_id UUID REFERENCES subscriber (id) ON DELETE SET NULL,
    -- When its link was used; it works once.
    used_at TIMESTAMPTZ
);
CREATE INDEX request_unseen ON request (id) WHERE seen_at IS NULL;
CREATE INDEX request_mailbox ON request (mailbox_hash) WHERE seen_at IS NOT NULL;
CREATE INDEX request_subscriber ON request (subscriber_id) WHERE subscriber_id IS NOT NULL;

-- Why readers left, where they told: how many in each month, and nothing about who.
CREATE TABLE leaving_reason (
    month TEXT NOT NULL,
    reason TEXT NOT NULL,
    readers BIGINT NOT NULL,
    PRIMARY KEY (month, reason)
);

-- What a consent was given to: the version and language of the text, the page, when it was asked for (JSON).
ALTER TABLE consent ADD COLUMN proof TEXT;
