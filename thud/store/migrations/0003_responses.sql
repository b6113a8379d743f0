-- What listeners responded to items, with the rules' answer; other readings of the same responses; what people define
-- by name (listeners, question sets, saved views, notes on rows). One row per response, flat, so that a million of them
-- are counted in one scan; cells NULL where a value is not known.

CREATE TABLE response (
    id VARCHAR PRIMARY KEY,
    listener VARCHAR,
    listener_key VARCHAR,
    run_id VARCHAR,
    rater VARCHAR,
    item_id VARCHAR,
    stimulus_id VARCHAR,
    stimulus_hash VARCHAR,
    clip_id VARCHAR,
    condition VARCHAR,
    offset_s DOUBLE,
    task VARCHAR,
    question_set VARCHAR,
    question_id VARCHAR,
    question VARCHAR,
    options JSON,
    seed BIGINT,
    arm VARCHAR,
    partner VARCHAR,
    expected VARCHAR,
    source VARCHAR,
    kind VARCHAR,
    outcome VARCHAR,
    "text" VARCHAR,
    problem VARCHAR,
    label VARCHAR,
    said_offset_s DOUBLE,
    said_visual_s DOUBLE,
    said_audio_s DOUBLE,
    quote VARCHAR,
    method VARCHAR,
    confidence DOUBLE,
    paper_label VARCHAR,
    reply_id VARCHAR,
    latency_s DOUBLE,
    rules BIGINT,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN
);

CREATE TABLE reading (
    response_id VARCHAR,
    reader VARCHAR,
    label VARCHAR,
    offset_s DOUBLE,
    visual_s DOUBLE,
    audio_s DOUBLE,
    quote VARCHAR,
    method VARCHAR,
    confidence DOUBLE,
    problem VARCHAR,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN,
    PRIMARY KEY (response_id, reader)
);

CREATE TABLE definition (
    kind VARCHAR,
    name VARCHAR,
    body JSON,
    ev_id BIGINT, "at" TIMESTAMP, actor VARCHAR, live BOOLEAN,
    PRIMARY KEY (kind, name)
);
