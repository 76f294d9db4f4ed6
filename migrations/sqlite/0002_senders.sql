-- Who delivers now. Here it is one sender at a time, known by the lock of a file: the table is PostgreSQL's.
CREATE TABLE sender (
    -- Random, and another one for each life of a sender: deliveries name it while they are in flight.
    id INTEGER PRIMARY KEY,
    lease_until TEXT NOT NULL
) STRICT;

-- How many mails were offered in each hour (UTC), kept while a limit by the hour, the day or a warm-up is set.
CREATE TABLE offered (
    hour TEXT PRIMARY KEY,
    mails INTEGER NOT NULL
) STRICT;
