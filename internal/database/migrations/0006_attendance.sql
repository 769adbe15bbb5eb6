-- +goose Up
CREATE TABLE attendance_rolls (
    school         TEXT NOT NULL,
    sitting        TEXT NOT NULL,
    day            TEXT NOT NULL,            -- local date of the sitting
    first_saved_at TIMESTAMP NOT NULL,
    first_saved_by TEXT NOT NULL,
    saved_at       TIMESTAMP NOT NULL,
    saved_by       TEXT NOT NULL,
    PRIMARY KEY (school, sitting),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id)
);
CREATE INDEX attendance_rolls_day ON attendance_rolls (school, day, sitting);

-- Append only, numbered per school without a gap. The last mark of a pupil in a
-- sitting is what holds.
CREATE TABLE attendance_marks (
    school  TEXT   NOT NULL,
    n       BIGINT NOT NULL CHECK (n > 0),
    sitting TEXT   NOT NULL,
    day     TEXT   NOT NULL,                 -- local date of the sitting
    pupil   TEXT   NOT NULL,
    value   TEXT   NOT NULL CHECK (value IN ('present', 'absent', 'late')),
    minutes INTEGER NOT NULL DEFAULT 0,     -- of lateness
    by      TEXT   NOT NULL,                -- account
    at      TIMESTAMP NOT NULL,
    origin  TEXT   NOT NULL CHECK (origin IN ('roll', 'office')),
    PRIMARY KEY (school, n),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);
CREATE INDEX attendance_marks_sitting ON attendance_marks (school, sitting, pupil, n);
-- The day first: the marks of one morning lie together, and a save touches few pages.
CREATE INDEX attendance_marks_day ON attendance_marks (school, day, pupil, n);
CREATE INDEX attendance_marks_absent ON attendance_marks (school, day, pupil, n) WHERE value = 'absent';

-- Marks that nobody who follows absences has decided about yet.
CREATE TABLE attendance_undecided (
    school TEXT   NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (school, n),
    FOREIGN KEY (school, n) REFERENCES attendance_marks (school, n)
);

-- What is known of a pupil beside the roll: expected elsewhere, or inside the building.
CREATE TABLE attendance_statements (
    school       TEXT NOT NULL,
    id           TEXT NOT NULL,
    pupil        TEXT NOT NULL,
    says         TEXT NOT NULL CHECK (says IN ('elsewhere', 'inside')),
    reason       TEXT NOT NULL,             -- a code from the list
    from_at      TIMESTAMP NOT NULL,
    until_at     TIMESTAMP NOT NULL,
    by           TEXT NOT NULL,
    at           TIMESTAMP NOT NULL,
    withdrawn_at TIMESTAMP,
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);
CREATE INDEX attendance_statements_pupil ON attendance_statements (school, pupil, until_at);
