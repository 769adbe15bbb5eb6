-- +goose Up
CREATE TABLE timetable_sittings (
    school       TEXT NOT NULL REFERENCES database_schools (id),
    id           TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('lesson', 'half-day', 'study', 'canteen', 'dormitory', 'outing', 'exam')),
    label        TEXT NOT NULL,             -- what people read: Mathématiques
    short_label  TEXT NOT NULL,             -- in GSM characters, for messages: maths
    day          TEXT NOT NULL,             -- local date of the start
    starts_at    TIMESTAMP NOT NULL,
    ends_at      TIMESTAMP NOT NULL,
    room         TEXT NOT NULL DEFAULT '',
    source       TEXT NOT NULL CHECK (source IN ('page', 'call', 'ical', 'fictional')),
    source_key   TEXT NOT NULL,
    cancelled_at TIMESTAMP,
    PRIMARY KEY (school, id),
    UNIQUE (school, source, source_key),
    CHECK (ends_at > starts_at)
);
CREATE INDEX timetable_sittings_day ON timetable_sittings (school, day, starts_at);

CREATE TABLE timetable_sitting_groups (
    school  TEXT NOT NULL,
    sitting TEXT NOT NULL,
    grp     TEXT NOT NULL,
    PRIMARY KEY (school, sitting, grp),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id),
    FOREIGN KEY (school, grp) REFERENCES directory_groups (school, id)
);
CREATE INDEX timetable_sitting_groups_grp ON timetable_sitting_groups (school, grp);

CREATE TABLE timetable_sitting_staff (
    school   TEXT NOT NULL,
    sitting  TEXT NOT NULL,
    person   TEXT NOT NULL,
    taken_at TIMESTAMP,                     -- not foreseen: took the sitting over then
    PRIMARY KEY (school, sitting, person),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
CREATE INDEX timetable_sitting_staff_person ON timetable_sitting_staff (school, person);

CREATE TABLE timetable_closures (
    school   TEXT NOT NULL REFERENCES database_schools (id),
    id       TEXT NOT NULL,
    from_on  TEXT NOT NULL,
    until_on TEXT NOT NULL,                 -- last day of it
    reason   TEXT NOT NULL,
    PRIMARY KEY (school, id)
);
