-- Append-only: files out of which readers were taken over. Whoever kept the file can prove by it where a consent came from.
CREATE TABLE consent_file (
    id INTEGER PRIMARY KEY,
    -- Without its folder.
    name TEXT NOT NULL,
    -- SHA-256 of its bytes, in hexadecimal digits.
    sha256 TEXT NOT NULL,
    recorded_at TEXT NOT NULL
) STRICT;
CREATE TRIGGER consent_file_is_never_changed BEFORE UPDATE ON consent_file
BEGIN
    SELECT RAISE(ABORT, 'consent_file is append-only');
END;
CREATE TRIGGER consent_file_is_never_deleted BEFORE DELETE ON consent_file
BEGIN
    SELECT RAISE(ABORT, 'consent_file is append-only');
END;
-- Where in which file a consent stood; NULL: it was given on a page of ours, or taken over before this was kept. No
-- foreign key: it would be looked up for each of a million lines.
ALTER TABLE consent ADD COLUMN file_id INTEGER;
ALTER TABLE consent ADD COLUMN line INTEGER;

-- How many summaries each type of research has is counted without going through their texts.
CREATE INDEX summary_research_type ON summary (research_type);
-- The site map has the days on which summaries changed, and nothing else of them.
CREATE INDEX summary_changed ON summary (changed_at);
