-- +goose Up
-- What a statement comes from: an announced absence of several pupils or several days, and
-- whose claim it is, where one of the family made it. Empty: neither.
ALTER TABLE attendance_statements ADD COLUMN plan TEXT NOT NULL DEFAULT '';
ALTER TABLE attendance_statements ADD COLUMN claimant TEXT NOT NULL DEFAULT '';
CREATE INDEX attendance_statements_plan ON attendance_statements (school, plan, pupil) WHERE plan <> '';
CREATE INDEX attendance_statements_until ON attendance_statements (school, until_at);

-- A late slip: when a pupil showed up, and for which sitting. The teacher sees the hour.
CREATE TABLE attendance_slips (
    school     TEXT NOT NULL,
    id         TEXT NOT NULL,
    pupil      TEXT NOT NULL,
    sitting    TEXT NOT NULL DEFAULT '',     -- empty: none was on
    arrived_at TIMESTAMP NOT NULL,
    by         TEXT NOT NULL,                -- account
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);
CREATE INDEX attendance_slips_sitting ON attendance_slips (school, sitting, pupil);

-- An announced absence: who will not be in class, when, why, and who says so. Its statements
-- are what everybody else reads.
CREATE TABLE whereabouts_plans (
    school       TEXT NOT NULL,
    id           TEXT NOT NULL,
    reason       TEXT NOT NULL,              -- a code of attendance's list
    via          TEXT NOT NULL CHECK (via IN ('phone', 'page', 'paper', 'office')),
    from_on      TEXT NOT NULL,              -- local days
    until_on     TEXT NOT NULL,              -- last day of it
    from_hour    TEXT NOT NULL DEFAULT '',   -- local HH:MM; empty: the whole day
    until_hour   TEXT NOT NULL DEFAULT '',
    weekdays     TEXT NOT NULL DEFAULT '',   -- 1 to 7, Monday first; empty: once, without a break
    grp          TEXT NOT NULL DEFAULT '',   -- the class that was picked whole
    pupils       INTEGER NOT NULL CHECK (pupils > 0),
    ends_at      TIMESTAMP NOT NULL,         -- of its last statement
    claimant     TEXT NOT NULL DEFAULT '',   -- the person of the family whose claim this is
    state        TEXT NOT NULL CHECK (state IN ('noted', 'claimed', 'accepted', 'refused', 'withdrawn')),
    refusal      TEXT NOT NULL DEFAULT '',   -- a code
    by           TEXT NOT NULL,              -- account
    at           TIMESTAMP NOT NULL,
    settled_by   TEXT NOT NULL DEFAULT '',
    settled_at   TIMESTAMP,
    PRIMARY KEY (school, id),
    CHECK (until_on >= from_on),
    CHECK ((state = 'refused') = (refusal <> '')),
    CHECK (state NOT IN ('claimed', 'accepted', 'refused') OR claimant <> ''),
    FOREIGN KEY (school) REFERENCES database_schools (id)
);
CREATE INDEX whereabouts_plans_ends ON whereabouts_plans (school, ends_at);
CREATE TABLE whereabouts_plan_pupils (
    school TEXT NOT NULL,
    plan   TEXT NOT NULL,
    pupil  TEXT NOT NULL,
    PRIMARY KEY (school, plan, pupil),
    FOREIGN KEY (school, plan) REFERENCES whereabouts_plans (school, id),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);
CREATE INDEX whereabouts_plan_pupils_pupil ON whereabouts_plan_pupils (school, pupil);
