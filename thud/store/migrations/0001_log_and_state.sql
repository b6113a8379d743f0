-- The log is the truth; every other table is what the log says now, written in the same transaction.
-- No foreign keys (DuckDB refuses harmless updates under them), no enum types (values will change), no DELETE anywhere:
-- a row that was undone keeps live = FALSE. Moments are UTC.

CREATE TABLE event (
    ev_id BIGINT PRIMARY KEY,
    "at" TIMESTAMP NOT NULL,
    actor VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    payload JSON NOT NULL,
    undoes BIGINT
);

CREATE TABLE clip (
    id VARCHAR PRIMARY KEY,
    sha256 VARCHAR,
    path VARCHAR,
    title VARCHAR,
    kind VARCHAR,
    source VARCHAR,
    synthetic BOOLEAN,
    picture_hash VARCHAR,
    probe JSON,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN
);

CREATE TABLE event_times (
    clip_id VARCHAR,
    method VARCHAR,
    visual_s DOUBLE,
    audio_s DOUBLE,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN,
    PRIMARY KEY (clip_id, method)
);

CREATE TABLE stimulus (
    id VARCHAR PRIMARY KEY,
    clip_id VARCHAR,
    condition VARCHAR,
    intervention JSON,
    models VARCHAR,
    people VARCHAR,
    proof JSON,
    event_survives BOOLEAN,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN
);

CREATE TABLE refusal (
    stimulus_id VARCHAR PRIMARY KEY,
    clip_id VARCHAR,
    condition VARCHAR,
    intervention JSON,
    reason VARCHAR,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN
);

CREATE TABLE donor_rejection (
    clip_id VARCHAR,
    donor_id VARCHAR,
    reason VARCHAR,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN,
    PRIMARY KEY (clip_id, donor_id)
);

CREATE TABLE mark (
    clip_id VARCHAR,
    annotator VARCHAR,
    visual_s DOUBLE,
    audio_s DOUBLE,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN,
    PRIMARY KEY (clip_id, annotator)
);

CREATE TABLE run (
    id VARCHAR PRIMARY KEY,
    kind VARCHAR,
    title VARCHAR,
    state VARCHAR,
    total BIGINT,
    done BIGINT,
    refused BIGINT,
    failed BIGINT,
    folder VARCHAR,
    pid BIGINT,
    started_by VARCHAR,
    created_at VARCHAR,
    finished_at VARCHAR,
    message VARCHAR,
    settings JSON,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN
);

-- Written by the health check, so that "can this be written?" is answered by writing; not part of the log.
CREATE TABLE probe (
    id BIGINT PRIMARY KEY,
    "at" TIMESTAMP
);
