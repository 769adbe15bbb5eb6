-- +goose Up
-- What a teacher prepares for a sitting: steps, read by its pupils and their guardians from the
-- moment of its release.
CREATE TABLE homework_lessons (
    school     TEXT NOT NULL,
    sitting    TEXT NOT NULL,
    release_at TIMESTAMP,                    -- NULL: being prepared, nobody else reads it
    changed_by TEXT NOT NULL,                -- account
    changed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (school, sitting),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id)
);

CREATE TABLE homework_steps (
    school     TEXT NOT NULL,
    sitting    TEXT NOT NULL,
    n          INTEGER NOT NULL CHECK (n > 0),
    title      TEXT NOT NULL CHECK (title <> ''),
    text       TEXT NOT NULL CHECK (text <> ''), -- Markdown, as typed
    changed_by TEXT NOT NULL,                -- account
    changed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (school, sitting, n),
    FOREIGN KEY (school, sitting) REFERENCES homework_lessons (school, sitting)
);
