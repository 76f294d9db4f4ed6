-- The words of each summary, folded by the service, so that accents and case mean as little here as on PostgreSQL.
-- The service fills it: at the start for summaries that stood before, then whenever one is kept.
CREATE VIRTUAL TABLE summary_search USING fts5 (
    title, text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

-- The archive is read by topic, and from a summary to its issues.
CREATE INDEX summary_topic_topic ON summary_topic (topic);
CREATE INDEX issue_summary_summary ON issue_summary (summary_id);
