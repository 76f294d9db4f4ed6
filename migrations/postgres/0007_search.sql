-- The words of each summary, folded by the service, so that accents and case mean as little here as on SQLite.
-- The service fills it: at the start for summaries that stood before, then whenever one is kept.
CREATE TABLE summary_search (
    summary_id BIGINT PRIMARY KEY REFERENCES summary (id),
    -- Those of the title have the weight A.
    words TSVECTOR NOT NULL
);
CREATE INDEX summary_search_words ON summary_search USING gin (words);

-- The archive is read by topic, and from a summary to its issues.
CREATE INDEX summary_topic_topic ON summary_topic (topic);
CREATE INDEX issue_summary_summary ON issue_summary (summary_id);
