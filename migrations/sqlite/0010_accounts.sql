-- The proof of a consent goes some years after nobody has the address any more. While a reader has it, nothing goes.
DROP TRIGGER consent_is_never_deleted;
CREATE TRIGGER consent_of_a_reader_is_never_deleted BEFORE DELETE ON consent
WHEN EXISTS (SELECT 1 FROM subscriber s WHERE s.address_hash = OLD.address_hash)
BEGIN
    SELECT RAISE(ABORT, 'consent is append-only');
END;
-- Lines of consent that went on that day.
ALTER TABLE retention_run ADD COLUMN consents INTEGER NOT NULL DEFAULT 0;

-- When a reader was asked whether digests shall go on coming, before their implied consent runs out.
ALTER TABLE subscriber ADD COLUMN reminded_at TEXT;
-- How many were asked on that day.
ALTER TABLE retention_run ADD COLUMN reminded INTEGER NOT NULL DEFAULT 0;

-- Append-only: who of the operator's people looked at, or took away, what is held of readers. Holds no address.
CREATE TABLE reading (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    -- A user of the host, or of the desk.
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    -- Where it was one reader; NULL once they have been erased.
    subscriber_id BLOB,
    readers INTEGER NOT NULL
) STRICT;
CREATE INDEX reading_subscriber ON reading (subscriber_id) WHERE subscriber_id IS NOT NULL;
CREATE TRIGGER reading_is_never_changed BEFORE UPDATE ON reading
WHEN NEW.subscriber_id IS NOT NULL OR (NEW.id, NEW.at, NEW.who, NEW.what, NEW.readers)
    IS NOT (OLD.id, OLD.at, OLD.who, OLD.what, OLD.readers)
BEGIN
    SELECT RAISE(ABORT, 'reading is append-only');
END;
CREATE TRIGGER reading_is_never_deleted BEFORE DELETE ON reading
BEGIN
    SELECT RAISE(ABORT, 'reading is append-only');
END;

-- Append-only: what went wrong with readers' personal data, and what was done about it. Holds no address.
CREATE TABLE incident (
    id INTEGER PRIMARY KEY,
    what TEXT NOT NULL,
    -- A day or a period, in words: often it is only guessed.
    happened TEXT NOT NULL,
    noticed_at TEXT NOT NULL,
    -- Whom it concerned, and what of theirs.
    concerned TEXT NOT NULL,
    readers INTEGER NOT NULL,
    -- How the risk of harm was judged, and by what.
    risk TEXT NOT NULL,
    who TEXT NOT NULL,
    written_at TEXT NOT NULL
) STRICT;
CREATE TABLE incident_line (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    kind TEXT NOT NULL,
    -- When it took place, as told.
    at TEXT NOT NULL,
    words TEXT NOT NULL,
    who TEXT NOT NULL,
    written_at TEXT NOT NULL
) STRICT;
CREATE INDEX incident_line_incident ON incident_line (incident_id);
CREATE TRIGGER incident_is_never_changed BEFORE UPDATE ON incident
BEGIN
    SELECT RAISE(ABORT, 'incident is append-only');
END;
CREATE TRIGGER incident_is_never_deleted BEFORE DELETE ON incident
BEGIN
    SELECT RAISE(ABORT, 'incident is append-only');
END;
CREATE TRIGGER incident_line_is_never_changed BEFORE UPDATE ON incident_line
BEGIN
    SELECT RAISE(ABORT, 'incident_line is append-only');
END;
CREATE TRIGGER incident_line_is_never_deleted BEFORE DELETE ON incident_line
BEGIN
    SELECT RAISE(ABORT, 'incident_line is append-only');
END;
