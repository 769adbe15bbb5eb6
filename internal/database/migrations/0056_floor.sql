-- +goose Up
-- Whether everybody in the class may open their microphone.
ALTER TABLE classroom_classes ADD COLUMN microphones BOOLEAN NOT NULL DEFAULT FALSE;

-- What the teacher said of one person's floor. Who has no line here has what the class has:
-- no camera, no screen, and a microphone where everybody's may be open.
CREATE TABLE classroom_floor (
    school     TEXT NOT NULL,
    sitting    TEXT NOT NULL,
    person     TEXT NOT NULL,
    microphone TEXT NOT NULL DEFAULT 'class' CHECK (microphone IN ('class', 'given', 'taken')),
    camera     BOOLEAN NOT NULL DEFAULT FALSE,
    screen     BOOLEAN NOT NULL DEFAULT FALSE,
    changed_by TEXT NOT NULL,                -- account
    changed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (school, sitting, person),
    FOREIGN KEY (school, sitting, person) REFERENCES classroom_people (school, sitting, person)
);
