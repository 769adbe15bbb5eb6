-- +goose Up
-- A step of a lesson may ask questions, in GIFT; and a pupil says which steps they finished.
ALTER TABLE homework_steps ADD COLUMN quiz TEXT NOT NULL DEFAULT '';

CREATE TABLE homework_done (
    school  TEXT NOT NULL,
    sitting TEXT NOT NULL,
    step    INTEGER NOT NULL,
    pupil   TEXT NOT NULL,
    at      TIMESTAMP NOT NULL,
    PRIMARY KEY (school, sitting, step, pupil),
    FOREIGN KEY (school, sitting, step) REFERENCES homework_steps (school, sitting, n) ON DELETE CASCADE,
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);

-- The last answer of a pupil to a question, and how often they tried.
CREATE TABLE homework_answers (
    school   TEXT NOT NULL,
    sitting  TEXT NOT NULL,
    step     INTEGER NOT NULL,
    question INTEGER NOT NULL,               -- from 0, of those of the step
    pupil    TEXT NOT NULL,
    said     TEXT NOT NULL,                  -- as it was sent, a line for each part
    is_right BOOLEAN NOT NULL,
    tries    INTEGER NOT NULL CHECK (tries > 0),
    at       TIMESTAMP NOT NULL,
    PRIMARY KEY (school, sitting, step, question, pupil),
    FOREIGN KEY (school, sitting, step) REFERENCES homework_steps (school, sitting, n) ON DELETE CASCADE,
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);
