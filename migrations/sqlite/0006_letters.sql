-- Letters are deliveries that belong to no issue: confirmations, welcomes, whatever one person asked for. They go out
-- under a campaign of their own, number 0, which has no issue; and a reader may get any number of them.

CREATE TABLE new_campaign (
    id INTEGER PRIMARY KEY,
    -- NULL: the letters' campaign.
    issue_id INTEGER UNIQUE REFERENCES issue (id),
    state TEXT NOT NULL,
    -- The summaries as they were when the campaign was planned (JSON).
    content TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    on_unknown TEXT NOT NULL,
    planned_at TEXT NOT NULL,
    start_at TEXT NOT NULL,
    -- How many deliveries the plan came to: what the states of the account must add up to.
    planned INTEGER NOT NULL DEFAULT 0,
    -- Why the service paused it by itself, in words for the operator.
    paused_because TEXT,
    -- What of the tally a person had seen when they let it go on: the storm that follows is measured from there.
    forgiven_ended INTEGER NOT NULL DEFAULT 0,
    forgiven_refused INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO new_campaign (id, issue_id, state, content, fingerprint, on_unknown, planned_at, start_at, planned,
    paused_because, forgiven_ended, forgiven_refused)
SELECT id, issue_id, state, content, fingerprint, on_unknown, planned_at, start_at, planned,
    paused_because, forgiven_ended, forgiven_refused FROM campaign;
DROP TABLE campaign;
ALTER TABLE new_campaign RENAME TO campaign;
INSERT INTO campaign (id, issue_id, state, content, fingerprint, on_unknown, planned_at, start_at)
VALUES (0, NULL, 'running', '', '', 'retry', '1970-01-01T00:00:00+00:00', '1970-01-01T00:00:00+00:00');

CREATE TABLE new_delivery (
    id INTEGER PRIMARY KEY,
    campaign_id INTEGER NOT NULL REFERENCES campaign (id),
    -- NULL once the subscriber has been erased.
    subscriber_id BLOB REFERENCES subscriber (id) ON DELETE SET NULL,
    -- A letter's own number; 0 for a digest.
    letter INTEGER NOT NULL DEFAULT 0,
    -- A digest: which summaries. A letter: what it says (JSON).
    content TEXT NOT NULL,
    state TEXT NOT NULL,
    -- When it may be claimed; NULL: not to be claimed any more, or in flight.
    due_at TEXT,
    attempts INTEGER NOT NULL,
    -- When it was claimed first: its life counts from there.
    first_tried_at TEXT,
    -- The sender that holds it while it is in flight.
    claimed_by INTEGER,
    -- The relay's last words, or why it was suppressed.
    reply TEXT,
    changed_at TEXT NOT NULL,
    UNIQUE (campaign_id, subscriber_id, letter)
) STRICT;
INSERT INTO new_delivery (id, campaign_id, subscriber_id, content, state, due_at, attempts, first_tried_at, claimed_by,
    reply, changed_at)
SELECT id, campaign_id, subscriber_id, content, state, due_at, attempts, first_tried_at, claimed_by, reply, changed_at
FROM delivery ORDER BY id;
DROP TABLE delivery;
ALTER TABLE new_delivery RENAME TO delivery;
CREATE INDEX delivery_due ON delivery (campaign_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_claimed ON delivery (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX delivery_subscriber ON delivery (subscriber_id);
CREATE INDEX delivery_open ON delivery (state, due_at) WHERE state IN ('deferred', 'unknown');

-- What was asked for on a page by somebody whom we cannot know there. It is looked at after the page was answered, so
-- that the answer is the same whoever it is about.
CREATE TABLE request (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    -- The address that was entered; empty once it has been looked at, unless it is to become a reader's new one.
    address TEXT NOT NULL,
    -- Keyed hash of the address as one mailbox is written in several ways: by it requests are limited.
    mailbox_hash BLOB NOT NULL,
    -- What was chosen, and where (JSON); NULL once it is forgotten.
    form TEXT,
    asked_at TEXT NOT NULL,
    -- NULL until it has been looked at and a letter about it was queued; those that get none are not kept.
    seen_at TEXT,
    -- Whose it is, if anybody's.
    subscriber_id BLOB REFERENCES subscriber (id) ON DELETE SET NULL,
    -- When its link was used; it works once.
    used_at TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX request_unseen ON request (id) WHERE seen_at IS NULL;
CREATE INDEX request_mailbox ON request (mailbox_hash) WHERE seen_at IS NOT NULL;
CREATE INDEX request_subscriber ON request (subscriber_id) WHERE subscriber_id IS NOT NULL;

-- Why readers left, where they told: how many in each month, and nothing about who.
CREATE TABLE leaving_reason (
    month TEXT NOT NULL,
    reason TEXT NOT NULL,
    readers INTEGER NOT NULL,
    PRIMARY KEY (month, reason)
) STRICT, WITHOUT ROWID;

-- What a consent was given to: the version and language of the text, the page, when it was asked for (JSON).
ALTER TABLE consent ADD COLUMN proof TEXT;
