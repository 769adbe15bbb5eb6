-- +goose Up
-- Why a pupil missed a half-day, as the school holds it: the last one counts, none is changed.
CREATE TABLE register_reasons (
    school        TEXT NOT NULL,
    pupil         TEXT NOT NULL,
    half          TEXT NOT NULL,             -- 2026-11-24/am
    n             INTEGER NOT NULL CHECK (n > 0),
    reason        TEXT NOT NULL,             -- a code of the country's list
    justification TEXT NOT NULL DEFAULT '',  -- which was accepted; empty: none
    by            TEXT NOT NULL,             -- account
    at            TIMESTAMP NOT NULL,
    PRIMARY KEY (school, pupil, half, n),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);

-- What one guardian says of a child's absence, with a document or without. The document is a
-- file of the data folder; its name is the id.
CREATE TABLE register_justifications (
    school     TEXT NOT NULL,
    id         TEXT NOT NULL,
    pupil      TEXT NOT NULL,
    person     TEXT NOT NULL,                -- the guardian
    from_half  TEXT NOT NULL,
    until_half TEXT NOT NULL,                -- the last one
    reason     TEXT NOT NULL,
    media      TEXT NOT NULL DEFAULT '',     -- of the document; empty: none
    size       INTEGER NOT NULL DEFAULT 0,
    digest     TEXT NOT NULL DEFAULT '',     -- SHA-256 of it
    state      TEXT NOT NULL CHECK (state IN ('sent', 'accepted', 'refused')),
    refusal    TEXT NOT NULL DEFAULT '',
    by         TEXT NOT NULL,                -- account
    at         TIMESTAMP NOT NULL,
    settled_by TEXT NOT NULL DEFAULT '',
    settled_at TIMESTAMP,
    PRIMARY KEY (school, id),
    CHECK (until_half >= from_half),
    CHECK ((state = 'refused') = (refusal <> '')),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
CREATE INDEX register_justifications_pupil ON register_justifications (school, pupil, from_half);
CREATE INDEX register_justifications_open ON register_justifications (school, at) WHERE state = 'sent';
