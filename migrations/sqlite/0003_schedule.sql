-- The rule by which issues go out by themselves, and since when: slots before that are not caught up. One row.
CREATE TABLE schedule (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    rule TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    since TEXT NOT NULL
) STRICT;

-- An occurrence of the rule that has come: each is noted once, whoever notes it.
CREATE TABLE slot (
    id INTEGER PRIMARY KEY,
    -- As the rule says it: 2026-12-01 09:00.
    wall_time TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    at TEXT NOT NULL,
    state TEXT NOT NULL,
    -- The issue that was its turn, if there was one.
    issue_id INTEGER REFERENCES issue (id),
    campaign_id INTEGER REFERENCES campaign (id),
    note TEXT NOT NULL,
    noted_at TEXT NOT NULL,
    UNIQUE (wall_time, time_zone)
) STRICT;

-- Filled and emptied within the transaction that plans: when readers of a zone get theirs.
CREATE TABLE plan_zone (
    time_zone TEXT PRIMARY KEY,
    at TEXT NOT NULL
) STRICT;

-- Where this database lay when it first sent: a copy of it lies elsewhere. One row.
CREATE TABLE instance (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    mark TEXT NOT NULL,
    -- Changed now and then; a SQLite file has it beside it too.
    token TEXT NOT NULL,
    marked_at TEXT NOT NULL
) STRICT;

-- Starts of `serve` and `worker`: several in a row that came to nothing are a restart loop.
CREATE TABLE sender_start (
    sender INTEGER PRIMARY KEY,
    -- Host, number and start of the process: it tells whether the process still lives.
    process TEXT NOT NULL,
    started_at TEXT NOT NULL,
    -- Whether it settled a delivery.
    progressed INTEGER NOT NULL,
    -- Whether it stopped as it should.
    ended INTEGER NOT NULL
) STRICT;
