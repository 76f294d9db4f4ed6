-- Every reader's address once more, many in a row, so that a part of one is found by looking through few rows. What an
-- index by letters would cost an import again as much as the import itself.
CREATE TABLE address_block (
    -- The readers whose ids lie from here to where the next block begins.
    first_id UUID NOT NULL PRIMARY KEY,
    -- A hash of the rest: who has read this version need not read it again.
    version BIGINT NOT NULL,
    readers BIGINT NOT NULL,
    -- Sixteen bytes each, in order.
    ids BYTEA NOT NULL,
    -- In lower case, a line each, in the order of the ids.
    addresses BYTEA NOT NULL
);
-- Read as they are: packing and unpacking would take longer than reading more.
ALTER TABLE address_block ALTER COLUMN ids SET STORAGE EXTERNAL;
ALTER TABLE address_block ALTER COLUMN addresses SET STORAGE EXTERNAL;

-- Few are looked for, among many.
CREATE INDEX subscriber_pending ON subscriber (id) WHERE state = 'pending';
CREATE INDEX subscriber_paused ON subscriber (id) WHERE paused_until IS NOT NULL;
CREATE INDEX subscriber_implied ON subscriber (id) WHERE consent_until IS NOT NULL;
CREATE INDEX subscriber_quarterly ON subscriber (id) WHERE frequency = 'quarterly';
CREATE INDEX subscriber_text ON subscriber (id) WHERE format = 'text';
CREATE INDEX subscriber_french ON subscriber (id) WHERE language = 'fr';
-- The newest are shown first.
CREATE INDEX suppression_since ON suppression (since, address_hash);

-- A change of many readers at once, done in portions.
CREATE TABLE errand (
    id UUID PRIMARY KEY,
    -- What is to be done, and to whom. Whom is forgotten in the end, for it may hold a part of an address.
    change JSONB NOT NULL,
    wanted JSONB,
    state TEXT NOT NULL,
    began_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    -- How many there were when it began.
    readers BIGINT NOT NULL,
    -- Looked at so far, in the order of their ids, and how many of those were changed.
    seen BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    after_id UUID
);
CREATE INDEX errand_running ON errand (began_at) WHERE state = 'running';
