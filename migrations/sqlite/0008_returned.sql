-- What came back of deliveries: each thing once, however often it comes.
CREATE TABLE returned (
    id INTEGER PRIMARY KEY,
    -- By this it is known when it comes again: a keyed hash, or the delivery that the relay refused.
    mark TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    -- By what way it came.
    way TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- Which party is to blame, where something failed.
    class TEXT,
    reason TEXT NOT NULL,
    -- The rule or evidence that gave the verdict.
    because TEXT NOT NULL,
    -- The enhanced status code, as 5.1.1.
    status TEXT,
    -- NULL: it names no delivery of ours by a signature of ours.
    delivery_id INTEGER,
    -- NULL once the subscriber has been erased; then domain and words are too.
    subscriber_id BLOB,
    -- Where the reader's mailbox is.
    domain TEXT,
    -- The server's own words, which may quote the address; the relay's stand with the delivery.
    words TEXT,
    did TEXT NOT NULL,
    -- Why that was done, or nothing; holds no address.
    note TEXT NOT NULL
) STRICT;
CREATE INDEX returned_at ON returned (at);
CREATE INDEX returned_delivery ON returned (delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX returned_subscriber ON returned (subscriber_id) WHERE subscriber_id IS NOT NULL;
CREATE INDEX returned_of_nobody ON returned (id) WHERE delivery_id IS NULL;
CREATE INDEX returned_to_weigh ON returned (id) WHERE did = 'to_weigh';

-- Mails that came back and want a person.
CREATE TABLE kept (
    id INTEGER PRIMARY KEY,
    mark TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    way TEXT NOT NULL,
    why TEXT NOT NULL,
    delivery_id INTEGER,
    subscriber_id BLOB,
    -- Keyed hash of the address that wrote it.
    address_hash BLOB,
    -- How long it was; what is kept may be its beginning.
    bytes INTEGER NOT NULL,
    mail BLOB NOT NULL
) STRICT;
CREATE INDEX kept_subscriber ON kept (subscriber_id) WHERE subscriber_id IS NOT NULL;
CREATE INDEX kept_address ON kept (address_hash) WHERE address_hash IS NOT NULL;

-- Suppressions that the operator has lifted, with the reason of either.
CREATE TABLE released (
    id INTEGER PRIMARY KEY,
    address_hash BLOB NOT NULL,
    reason TEXT NOT NULL,
    note TEXT NOT NULL,
    since TEXT NOT NULL,
    released_at TEXT NOT NULL,
    -- Holds no address.
    because TEXT NOT NULL
) STRICT;
CREATE INDEX released_address ON released (address_hash);
