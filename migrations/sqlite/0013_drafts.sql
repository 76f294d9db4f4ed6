-- A month as it is being written in the desk: each save is a version, and the last of a month is what stands there now.
CREATE TABLE draft (
    month TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- Teaser and summaries (JSON).
    text TEXT NOT NULL,
    -- Who of the desk's people saved it.
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    -- The page saved it while somebody was typing: their next save takes its place.
    by_itself INTEGER NOT NULL,
    -- When it was taken into the archive; NULL: it is ahead of it.
    kept_at TEXT,
    PRIMARY KEY (month, version)
) STRICT;

-- A file that was brought in and is being looked at; gone after some days.
CREATE TABLE brought (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    bytes BLOB NOT NULL,
    brought_by TEXT NOT NULL,
    brought_at TEXT NOT NULL
) STRICT;

-- What asking the network came to before a month was sent: links, and the records of the sender's domain.
CREATE TABLE asked_network (
    month TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    -- What was found (JSON).
    found TEXT NOT NULL
) STRICT;

-- A mail sent to see how it looks. It is no delivery: it stands in no account and changes nothing for any reader.
CREATE TABLE proof (
    id BLOB PRIMARY KEY,
    month TEXT NOT NULL,
    -- Enough for who asked to know it again, and no more: `a•••@e•••.org`.
    address TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    -- 'going', 'accepted', 'refused', 'deferred' or 'unknown'.
    state TEXT NOT NULL,
    -- The relay's words.
    reply TEXT NOT NULL
) STRICT;
CREATE INDEX proof_month ON proof (month, asked_at);

-- Numbers of summaries that were taken out again: the world may know them, so no other summary ever gets one.
CREATE TABLE summary_gone (
    id INTEGER PRIMARY KEY
) STRICT;
