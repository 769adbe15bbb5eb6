-- +goose Up
-- A step of a lesson may ask for work: pupils write it, and get it back with a word.
ALTER TABLE homework_steps ADD COLUMN work_until TIMESTAMP;

CREATE TABLE homework_work (
    school    TEXT NOT NULL,
    sitting   TEXT NOT NULL,
    step      INTEGER NOT NULL,
    pupil     TEXT NOT NULL,
    text      TEXT NOT NULL CHECK (text <> ''),  -- Markdown, as typed
    handed_at TIMESTAMP NOT NULL,                -- when this text was handed in
    word      TEXT NOT NULL DEFAULT '',          -- that it was given back with
    back_by   TEXT NOT NULL DEFAULT '',          -- account
    back_at   TIMESTAMP,                         -- NULL: not given back yet
    PRIMARY KEY (school, sitting, step, pupil),
    FOREIGN KEY (school, sitting, step) REFERENCES homework_steps (school, sitting, n) ON DELETE CASCADE,
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);
