-- Who delivers now. On PostgreSQL a sender lives as long as its lease and its advisory lock: whose row is gone
-- claims nothing more and writes nothing down.
CREATE TABLE sender (
    -- Random, and another one for each life of a sender: deliveries name it while they are in flight.
    id BIGINT PRIMARY KEY,
    -- By the database's own clock, for hosts' clocks differ.
    lease_until TIMESTAMPTZ NOT NULL
);

-- How many mails were offered in each hour (UTC), kept while a limit by the hour, the day or a warm-up is set.
CREATE TABLE offered (
    hour TIMESTAMPTZ PRIMARY KEY,
    mails BIGINT NOT NULL
);
