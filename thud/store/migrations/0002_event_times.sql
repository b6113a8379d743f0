-- Marks of models and people with what is known about them, what models replied, settings, notes.
-- Rows from before have NULL where their events say nothing; JSON columns hold the text null then, as a replay gives it.

ALTER TABLE event_times ADD COLUMN detail JSON DEFAULT 'null';

ALTER TABLE mark ADD COLUMN verdict VARCHAR;
ALTER TABLE mark ADD COLUMN reason VARCHAR;
ALTER TABLE mark ADD COLUMN person BOOLEAN;
ALTER TABLE mark ADD COLUMN save_id VARCHAR;
ALTER TABLE mark ADD COLUMN seq BIGINT;
ALTER TABLE mark ADD COLUMN detail JSON DEFAULT 'null';

CREATE TABLE reply (
    id VARCHAR PRIMARY KEY,
    clip_id VARCHAR,
    annotator VARCHAR,
    run_id VARCHAR,
    provider VARCHAR,
    model VARCHAR,
    outcome VARCHAR,
    "text" VARCHAR,
    raw JSON,
    usage JSON,
    request_id VARCHAR,
    model_echo VARCHAR,
    sent_sha256 VARCHAR,
    latency_s DOUBLE,
    problem VARCHAR,
    attempts BIGINT,
    cost_usd DOUBLE,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN
);

CREATE TABLE setting (
    name VARCHAR PRIMARY KEY,
    "value" JSON,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN
);

CREATE TABLE note (
    id VARCHAR PRIMARY KEY,
    clip_id VARCHAR,
    "text" VARCHAR,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN
);
