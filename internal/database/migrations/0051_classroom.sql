-- +goose Up
-- A sitting as a class at home, from the first request to enter it.
CREATE TABLE classroom_classes (
    school    TEXT NOT NULL,
    sitting   TEXT NOT NULL,
    made_at   TIMESTAMP NOT NULL,
    opened_at TIMESTAMP,                     -- when somebody in charge entered first
    opened_by TEXT NOT NULL DEFAULT '',      -- account
    talk      TEXT NOT NULL DEFAULT 'off' CHECK (talk IN ('off', 'teacher', 'all')),
    locked_at TIMESTAMP,
    ended_at  TIMESTAMP,
    version   BIGINT NOT NULL DEFAULT 1,     -- one more with each change: open pages ask for it
    PRIMARY KEY (school, sitting),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id)
);

-- Who asked to enter, when first, and what became of it.
CREATE TABLE classroom_people (
    school     TEXT NOT NULL,
    sitting    TEXT NOT NULL,
    person     TEXT NOT NULL,
    part       TEXT NOT NULL CHECK (part IN ('teacher', 'pupil', 'guest')),
    state      TEXT NOT NULL CHECK (state IN ('in', 'asked', 'refused', 'removed')),
    asked_at   TIMESTAMP NOT NULL,
    settled_by TEXT NOT NULL DEFAULT '',     -- account
    settled_at TIMESTAMP,
    PRIMARY KEY (school, sitting, person),
    FOREIGN KEY (school, sitting) REFERENCES classroom_classes (school, sitting),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
CREATE INDEX classroom_people_person ON classroom_people (school, person, asked_at);

-- When somebody was there: from the request to enter until they were last seen.
CREATE TABLE classroom_presence (
    school  TEXT NOT NULL,
    sitting TEXT NOT NULL,
    person  TEXT NOT NULL,
    from_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    breaks  INTEGER NOT NULL DEFAULT 0,      -- how often their line came back by itself meanwhile
    PRIMARY KEY (school, sitting, person, from_at),
    CHECK (seen_at >= from_at),
    FOREIGN KEY (school, sitting, person) REFERENCES classroom_people (school, sitting, person)
);

CREATE TABLE classroom_hands (
    school     TEXT NOT NULL,
    sitting    TEXT NOT NULL,
    n          INTEGER NOT NULL CHECK (n > 0),
    person     TEXT NOT NULL,
    raised_at  TIMESTAMP NOT NULL,
    lowered_at TIMESTAMP,
    lowered_by TEXT NOT NULL DEFAULT '',     -- person
    PRIMARY KEY (school, sitting, n),
    FOREIGN KEY (school, sitting, person) REFERENCES classroom_people (school, sitting, person)
);

-- What was written in the class, kept with the lesson.
CREATE TABLE classroom_words (
    school    TEXT NOT NULL,
    sitting   TEXT NOT NULL,
    n         INTEGER NOT NULL CHECK (n > 0),
    person    TEXT NOT NULL,
    to_all    BOOLEAN NOT NULL,              -- else: to whoever is in charge
    words     TEXT NOT NULL,
    at        TIMESTAMP NOT NULL,
    hidden_at TIMESTAMP,
    hidden_by TEXT NOT NULL DEFAULT '',      -- account
    PRIMARY KEY (school, sitting, n),
    FOREIGN KEY (school, sitting, person) REFERENCES classroom_people (school, sitting, person)
);
CREATE INDEX classroom_words_person ON classroom_words (school, person, at);
