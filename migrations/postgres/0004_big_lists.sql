-- What choices come to in a plan stands in a temporary table now.
DROP TABLE plan_choice;

-- PostgreSQL looks up each reference by itself, row after row: more than half the time of a plan, or of an import, of
-- many readers. Choices and campaigns are never deleted; a subscriber's removal clears their deliveries by itself, and
-- waits for plans in the making (see `src/subscriber.rs`).
ALTER TABLE subscriber DROP CONSTRAINT subscriber_choice_id_fkey;
ALTER TABLE delivery DROP CONSTRAINT delivery_campaign_id_fkey;
ALTER TABLE delivery DROP CONSTRAINT delivery_subscriber_id_fkey;
