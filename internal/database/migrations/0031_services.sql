-- +goose Up
-- Who teaches which subject to which class or group, as a source says it. It is
-- information: nobody is told anything, and nobody enters a roll, because of it.
CREATE TABLE directory_services (
    school  TEXT NOT NULL,
    staff   TEXT NOT NULL,
    grp     TEXT NOT NULL,
    subject TEXT NOT NULL,             -- the ministry's code
    label   TEXT NOT NULL DEFAULT '',
    source  TEXT NOT NULL,
    PRIMARY KEY (school, staff, grp, subject),
    FOREIGN KEY (school, staff) REFERENCES directory_people (school, id),
    FOREIGN KEY (school, grp) REFERENCES directory_groups (school, id)
);
