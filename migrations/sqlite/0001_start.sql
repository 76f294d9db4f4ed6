-- Times are UTC texts written by the service (RFC 3339), never by SQLite.

CREATE TABLE issue (
    id INTEGER PRIMARY KEY,
    month TEXT NOT NULL UNIQUE,
    teaser TEXT,
    changed_at TEXT NOT NULL
) STRICT;

CREATE TABLE summary (
    id INTEGER PRIMARY KEY,
    -- The title without case, accents and punctuation: by it a study is known again.
    title_key TEXT NOT NULL,
    title TEXT NOT NULL,
    citation TEXT,
    doi TEXT,
    summary TEXT NOT NULL,
    implications TEXT NOT NULL,
    language TEXT NOT NULL,
    research_type TEXT,
    research_type_confirmed INTEGER NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;
CREATE INDEX summary_title_key ON summary (title_key);

CREATE TABLE issue_summary (
    issue_id INTEGER NOT NULL REFERENCES issue (id),
    position INTEGER NOT NULL,
    summary_id INTEGER NOT NULL REFERENCES summary (id),
    PRIMARY KEY (issue_id, position),
    UNIQUE (issue_id, summary_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE summary_topic (
    summary_id INTEGER NOT NULL REFERENCES summary (id),
    topic TEXT NOT NULL,
    -- 0 while it is only suggested.
    confirmed INTEGER NOT NULL,
    PRIMARY KEY (summary_id, topic)
) STRICT, WITHOUT ROWID;

-- Each distinct set of choices is kept once and never changed; many subscribers share it.
CREATE TABLE choice (
    id BLOB PRIMARY KEY,
    topics TEXT NOT NULL,
    research_types TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE subscriber (
    id BLOB PRIMARY KEY,
    address TEXT NOT NULL,
    -- Keyed hash of the normalised address; suppressions and consents know only this.
    address_hash BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    choice_id BLOB NOT NULL REFERENCES choice (id),
    frequency TEXT NOT NULL,
    format TEXT NOT NULL,
    language TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    -- What to do when nothing matched; NULL leaves it to the operator's setting.
    on_nothing TEXT,
    since TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Append-only: who consented to what, when, and how we know.
CREATE TABLE consent (
    id INTEGER PRIMARY KEY,
    address_hash BLOB NOT NULL,
    act TEXT NOT NULL,
    at TEXT NOT NULL,
    source TEXT NOT NULL,
    recorded_at TEXT NOT NULL
) STRICT;
CREATE INDEX consent_address ON consent (address_hash);
CREATE TRIGGER consent_is_never_changed BEFORE UPDATE ON consent
BEGIN
    SELECT RAISE(ABORT, 'consent is append-only');
END;
CREATE TRIGGER consent_is_never_deleted BEFORE DELETE ON consent
BEGIN
    SELECT RAISE(ABORT, 'consent is append-only');
END;

CREATE TABLE suppression (
    address_hash BLOB PRIMARY KEY,
    reason TEXT NOT NULL,
    note TEXT NOT NULL,
    since TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE campaign (
    id INTEGER PRIMARY KEY,
    issue_id INTEGER NOT NULL UNIQUE REFERENCES issue (id),
    state TEXT NOT NULL,
    -- The summaries as they were when the campaign was planned (JSON).
    content TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    on_unknown TEXT NOT NULL,
    planned_at TEXT NOT NULL,
    start_at TEXT NOT NULL
) STRICT;

CREATE TABLE campaign_summary (
    campaign_id INTEGER NOT NULL REFERENCES campaign (id),
    position INTEGER NOT NULL,
    summary_id INTEGER NOT NULL REFERENCES summary (id),
    PRIMARY KEY (campaign_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX campaign_summary_summary ON campaign_summary (summary_id);

-- Filled and emptied within the transaction that plans: which content a choice comes to.
CREATE TABLE plan_choice (
    choice_id BLOB NOT NULL,
    frequency TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (choice_id, frequency)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    campaign_id INTEGER NOT NULL REFERENCES campaign (id),
    -- NULL once the subscriber has been erased.
    subscriber_id BLOB REFERENCES subscriber (id) ON DELETE SET NULL,
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
    UNIQUE (campaign_id, subscriber_id)
) STRICT;
CREATE INDEX delivery_due ON delivery (campaign_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_claimed ON delivery (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX delivery_subscriber ON delivery (subscriber_id);
