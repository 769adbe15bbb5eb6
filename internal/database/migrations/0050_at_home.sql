-- +goose Up
-- Days on which some pupils follow their sittings from home: the whole school, levels, classes
-- or single pupils, as timetable_home_of says. What was said of days that are over stays true.
CREATE TABLE timetable_home (
    school       TEXT NOT NULL REFERENCES database_schools (id),
    id           TEXT NOT NULL,
    reason       TEXT NOT NULL CHECK (reason IN ('closed', 'weather', 'strike', 'works', 'illness', 'suspension', 'other')),
    whole        BOOLEAN NOT NULL,           -- everybody of the school
    from_on      TEXT NOT NULL,              -- local days
    until_on     TEXT NOT NULL,              -- last day of it
    opened_by    TEXT NOT NULL,              -- account
    opened_at    TIMESTAMP NOT NULL,
    withdrawn_on TEXT NOT NULL DEFAULT '',   -- first day on which it no longer holds; empty: none
    withdrawn_by TEXT NOT NULL DEFAULT '',
    withdrawn_at TIMESTAMP,
    PRIMARY KEY (school, id),
    CHECK (until_on >= from_on),
    CHECK ((withdrawn_on = '') = (withdrawn_at IS NULL))
);
CREATE INDEX timetable_home_until ON timetable_home (school, until_on);

CREATE TABLE timetable_home_of (
    school TEXT NOT NULL,
    home   TEXT NOT NULL,
    kind   TEXT NOT NULL CHECK (kind IN ('level', 'group', 'pupil')),
    what   TEXT NOT NULL,                    -- a level as labels of classes say it, or an id
    PRIMARY KEY (school, home, kind, what),
    FOREIGN KEY (school, home) REFERENCES timetable_home (school, id)
);

-- Whether the pupil was at home by such a day when the mark was made.
ALTER TABLE attendance_marks ADD COLUMN at_home BOOLEAN NOT NULL DEFAULT FALSE;
