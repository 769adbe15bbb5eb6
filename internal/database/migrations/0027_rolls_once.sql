-- +goose Up
-- When a mark reached us, where that is not when it was made: a roll called without a
-- network. Empty: it was made here.
ALTER TABLE attendance_marks ADD COLUMN received_at TIMESTAMP;

-- One row for each press of the save button that a device named with a key of its own: the
-- same press counts once, however often it is delivered, and is answered alike each time.
CREATE TABLE attendance_saves (
    school      TEXT NOT NULL,
    by          TEXT NOT NULL,              -- account: a key means nothing to another one
    key         TEXT NOT NULL,
    sitting     TEXT NOT NULL,
    made_at     TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    kept        TEXT NOT NULL,              -- marks of others that stayed, and what this save said instead
    over        TEXT NOT NULL,              -- marks of others that it replaced
    PRIMARY KEY (school, by, key),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id)
);
