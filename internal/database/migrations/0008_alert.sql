-- +goose Up
CREATE TABLE alert_settings (
    school       TEXT PRIMARY KEY REFERENCES database_schools (id),
    hold_seconds INTEGER NOT NULL CHECK (hold_seconds BETWEEN 0 AND 3600)
);

-- A period in which the school sends to families: asked by one, opened by another.
CREATE TABLE alert_services (
    school     TEXT NOT NULL REFERENCES database_schools (id),
    id         TEXT NOT NULL,
    asked_by   TEXT NOT NULL,
    asked_role TEXT NOT NULL,               -- one of the two is the head
    asked_at   TIMESTAMP NOT NULL,
    until_on   TEXT NOT NULL,               -- last day
    opened_by  TEXT NOT NULL DEFAULT '',
    opened_at  TIMESTAMP,
    closed_by  TEXT NOT NULL DEFAULT '',
    closed_at  TIMESTAMP,
    PRIMARY KEY (school, id),
    CHECK (opened_by <> asked_by)
);

-- An episode: one pupil, one half-day, absent. A pupil seen again and absent again
-- in the same half-day is a further episode.
CREATE TABLE alert_episodes (
    school     TEXT NOT NULL,
    id         TEXT NOT NULL,
    pupil      TEXT NOT NULL,
    half_day   TEXT NOT NULL,               -- 2026-11-24/am
    seq        INTEGER NOT NULL,
    mark       BIGINT NOT NULL,             -- the first mark that says absent
    sitting    TEXT NOT NULL,
    first_at   TIMESTAMP NOT NULL,
    leaves_at  TIMESTAMP NOT NULL,          -- first_at plus the hold
    expires_at TIMESTAMP NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('held', 'told', 'withdrawn', 'untold', 'over')),
    because    TEXT NOT NULL DEFAULT '',
    settled_at TIMESTAMP,
    PRIMARY KEY (school, id),
    UNIQUE (school, pupil, half_day, seq),
    UNIQUE (school, mark),
    UNIQUE (school, id, pupil),
    FOREIGN KEY (school, mark) REFERENCES attendance_marks (school, n),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id)
);
CREATE INDEX alert_episodes_state ON alert_episodes (school, state, leaves_at);
CREATE INDEX alert_episodes_day ON alert_episodes (school, half_day);
-- What is asked every second, so that a year of episodes costs no more than a day's.
CREATE INDEX alert_episodes_held ON alert_episodes (state, school);
CREATE INDEX alert_episodes_told ON alert_episodes (school, first_at) WHERE state = 'told';
CREATE INDEX alert_episodes_over ON alert_episodes (school, settled_at) WHERE state = 'over';
CREATE INDEX alert_episodes_first ON alert_episodes (first_at);

-- What was decided about each mark. One decision a mark.
CREATE TABLE alert_decisions (
    school   TEXT NOT NULL,
    mark     BIGINT NOT NULL,
    decision TEXT NOT NULL,
    because  TEXT NOT NULL,
    episode  TEXT,
    at       TIMESTAMP NOT NULL,
    PRIMARY KEY (school, mark),
    FOREIGN KEY (school, mark) REFERENCES attendance_marks (school, n),
    FOREIGN KEY (school, episode) REFERENCES alert_episodes (school, id)
);
CREATE INDEX alert_decisions_episode ON alert_decisions (school, episode) WHERE episode IS NOT NULL;

-- Which letter speaks for which episode. A letter that no row here vouches for
-- does not leave.
CREATE TABLE alert_letters (
    school  TEXT NOT NULL,
    letter  TEXT NOT NULL,
    episode TEXT NOT NULL,
    pupil   TEXT NOT NULL,
    person  TEXT NOT NULL,
    channel TEXT NOT NULL,
    contact TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('absence', 'arrived', 'correction')),
    mark    BIGINT NOT NULL,                -- the mark that made it
    answers TEXT,                           -- arrived and correction: the letter it follows
    PRIMARY KEY (school, letter),
    UNIQUE (school, episode, person, channel, contact, kind),
    FOREIGN KEY (school, letter) REFERENCES courier_letters (school, id),
    FOREIGN KEY (school, episode, pupil) REFERENCES alert_episodes (school, id, pupil),
    FOREIGN KEY (school, mark) REFERENCES attendance_marks (school, n),
    FOREIGN KEY (school, answers) REFERENCES alert_letters (school, letter),
    CHECK ((kind = 'absence') = (answers IS NULL))
);

-- Families to telephone. Closed only by an outcome.
CREATE TABLE alert_calls (
    school    TEXT NOT NULL,
    id        TEXT NOT NULL,
    episode   TEXT NOT NULL,
    pupil     TEXT NOT NULL,
    adult     TEXT NOT NULL,                -- empty: nobody to name
    because   TEXT NOT NULL,
    opened_at TIMESTAMP NOT NULL,
    outcome   TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'reached', 'machine', 'no_answer', 'wrong_number', 'not_needed')),
    closed_at TIMESTAMP,
    closed_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (school, id),
    UNIQUE (school, episode, adult),
    FOREIGN KEY (school, episode, pupil) REFERENCES alert_episodes (school, id, pupil),
    CHECK ((outcome = '') = (closed_at IS NULL))
);
CREATE INDEX alert_calls_open ON alert_calls (school, opened_at) WHERE outcome = '';
