-- +goose Up
-- Who leads a class (professeur principal), given by the head or the CPE for a period. It opens
-- the class's own pages to a teacher and nothing else: no message and no roll asks for it.
CREATE TABLE directory_form_teachers (
    school   TEXT NOT NULL,
    id       TEXT NOT NULL,
    grp      TEXT NOT NULL,
    person   TEXT NOT NULL,
    from_on  TEXT NOT NULL,                  -- the school's date
    until_on TEXT NOT NULL,                  -- last day of it
    given_by TEXT NOT NULL,                  -- account
    given_at TIMESTAMP NOT NULL,
    ended_by TEXT NOT NULL DEFAULT '',       -- before its last day
    ended_at TIMESTAMP,
    PRIMARY KEY (school, id),
    CHECK (from_on <= until_on),
    CHECK ((ended_by = '') = (ended_at IS NULL)),
    FOREIGN KEY (school, grp) REFERENCES directory_groups (school, id),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
CREATE INDEX directory_form_teachers_person ON directory_form_teachers (school, person) WHERE ended_at IS NULL;
