-- +goose Up
-- Looking after pupils of whom there is no sign of life: off until the head opens it, says what
-- for and until when. What it kept is removed with its end.
CREATE TABLE followup_periods (
    school    TEXT NOT NULL REFERENCES database_schools (id),
    id        TEXT NOT NULL,
    purpose   TEXT NOT NULL CHECK (purpose <> ''),
    days      INTEGER NOT NULL CHECK (days BETWEEN 2 AND 5), -- school days without a sign
    from_on   TEXT NOT NULL,
    until_on  TEXT NOT NULL,                 -- last day of it
    opened_by TEXT NOT NULL,                 -- account
    opened_at TIMESTAMP NOT NULL,
    closed_by TEXT NOT NULL DEFAULT '',
    closed_at TIMESTAMP,
    PRIMARY KEY (school, id),
    CHECK (until_on >= from_on),
    CHECK ((closed_by = '') = (closed_at IS NULL))
);
CREATE UNIQUE INDEX followup_periods_open ON followup_periods (school) WHERE closed_at IS NULL;

-- That a pupil opened a page of ours on a day: nothing of which, nor how often.
CREATE TABLE followup_pages (
    school TEXT NOT NULL,
    person TEXT NOT NULL,
    day    TEXT NOT NULL,
    PRIMARY KEY (school, person, day),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);

-- What somebody did to find a pupil. There are no words of their own.
CREATE TABLE followup_notes (
    school TEXT NOT NULL,
    id     TEXT NOT NULL,
    pupil  TEXT NOT NULL,
    what   TEXT NOT NULL CHECK (what IN ('called', 'reached', 'visited', 'lent', 'well')),
    by     TEXT NOT NULL,                    -- account
    at     TIMESTAMP NOT NULL,
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);
CREATE INDEX followup_notes_pupil ON followup_notes (school, pupil, at);
