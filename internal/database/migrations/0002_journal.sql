-- +goose Up
-- One chain per school and school year. `at` is text with microseconds, so that
-- both engines give back the very bytes that were hashed.
CREATE TABLE journal_lines (
    school  TEXT   NOT NULL REFERENCES database_schools (id),
    year    TEXT   NOT NULL,
    seq     BIGINT NOT NULL CHECK (seq > 0),
    at      TEXT   NOT NULL,
    act     TEXT   NOT NULL,
    actor   TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    detail  TEXT   NOT NULL,
    mac     TEXT   NOT NULL,
    PRIMARY KEY (school, year, seq)
);
CREATE INDEX journal_lines_subject ON journal_lines (school, subject);

CREATE TABLE journal_heads (
    school TEXT   NOT NULL REFERENCES database_schools (id),
    year   TEXT   NOT NULL,
    seq    BIGINT NOT NULL,
    mac    TEXT   NOT NULL,
    PRIMARY KEY (school, year)
);
