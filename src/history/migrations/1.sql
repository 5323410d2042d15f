-- The same for SQLite and PostgreSQL; BLOB is written BYTEA there. Ids are digests, so that whoever records a run a
-- second time comes upon the first.
CREATE TABLE run (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    key TEXT NOT NULL,
    branch TEXT,
    commit_id TEXT,
    tree TEXT,
    dirty BIGINT
);
CREATE TABLE roster (
    digest TEXT PRIMARY KEY,
    tests BIGINT NOT NULL,
    names BLOB NOT NULL
);
-- A run is one part, or several that ran side by side.
CREATE TABLE part (
    id TEXT PRIMARY KEY,
    run TEXT NOT NULL REFERENCES run (id),
    project TEXT NOT NULL,
    started DOUBLE PRECISION,
    ended DOUBLE PRECISION NOT NULL,
    duration DOUBLE PRECISION,
    shard TEXT,
    machine TEXT,
    environment TEXT,
    format TEXT NOT NULL,
    outcome TEXT NOT NULL,
    passed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    other BIGINT NOT NULL,
    tests BIGINT NOT NULL,
    roster TEXT NOT NULL REFERENCES roster (digest),
    results BLOB NOT NULL,
    failures TEXT NOT NULL,
    compacted BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX part_by_time ON part (project, ended);
CREATE INDEX part_by_run ON part (run);
CREATE INDEX part_by_roster ON part (roster);
-- Every telling of an execution that was taken in, by its digest.
CREATE TABLE source (
    digest TEXT NOT NULL,
    project TEXT NOT NULL,
    part TEXT NOT NULL,
    PRIMARY KEY (project, digest)
);
CREATE INDEX source_by_part ON source (part);
-- Root causes, and when each was first and last seen.
CREATE TABLE cause (
    project TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    root_cause TEXT NOT NULL,
    first_seen DOUBLE PRECISION NOT NULL,
    last_seen DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (project, fingerprint)
);
