-- +goose Up
CREATE TABLE directory_schools (
    id         TEXT PRIMARY KEY REFERENCES database_schools (id),
    uai        TEXT NOT NULL,              -- the ministry's number of the school
    source_key TEXT NOT NULL DEFAULT '',   -- its key in the file it came from
    name       TEXT NOT NULL,
    short_name TEXT NOT NULL,              -- in GSM characters, for messages
    kind       TEXT NOT NULL,              -- lycee, college, primary, other
    zone       TEXT NOT NULL,              -- IANA time zone
    region     TEXT NOT NULL,              -- of telephone numbers: FR, RE, CA...
    lang       TEXT NOT NULL,
    phone      TEXT NOT NULL DEFAULT '',
    UNIQUE (uai)
);

CREATE TABLE directory_people (
    school     TEXT NOT NULL REFERENCES database_schools (id),
    id         TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('pupil', 'adult', 'staff')),
    source     TEXT NOT NULL,              -- aaf, hand, fictional...
    source_key TEXT NOT NULL,
    last_name  TEXT NOT NULL,
    first_name TEXT NOT NULL,
    born       TEXT NOT NULL DEFAULT '',   -- YYYY-MM-DD, pupils only
    lang       TEXT NOT NULL DEFAULT '',   -- of messages; empty: the school's
    left_on    TEXT NOT NULL DEFAULT '',   -- first day on which the person no longer belongs here
    PRIMARY KEY (school, id),
    UNIQUE (school, kind, source, source_key)
);

CREATE INDEX directory_people_kind ON directory_people (school, kind, left_on);

CREATE TABLE directory_contacts (
    school      TEXT NOT NULL,
    id          TEXT NOT NULL,
    person      TEXT NOT NULL,
    channel     TEXT NOT NULL CHECK (channel IN ('email', 'sms', 'phone')),
    address     TEXT NOT NULL,             -- E.164, or the mail address
    raw         TEXT NOT NULL,             -- as the source wrote it
    source      TEXT NOT NULL,
    verified_at TIMESTAMP,
    ended_at    TIMESTAMP,                 -- no longer the person's
    PRIMARY KEY (school, id),
    UNIQUE (school, id, person),
    UNIQUE (school, person, channel, address),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);

CREATE INDEX directory_contacts_address ON directory_contacts (school, channel, address);

-- What one file or one hand says about one adult and one pupil. Level and consent
-- are read; the rest is kept raw as evidence.
CREATE TABLE directory_links (
    school      TEXT NOT NULL,
    pupil       TEXT NOT NULL,
    adult       TEXT NOT NULL,
    level       TEXT NOT NULL CHECK (level IN ('legal', 'carer', 'contact')),
    kinship     TEXT NOT NULL DEFAULT '',
    priority    INTEGER NOT NULL DEFAULT 0,
    sms_consent TEXT NOT NULL DEFAULT 'unknown' CHECK (sms_consent IN ('yes', 'no', 'unknown')),
    raw         TEXT NOT NULL DEFAULT '',
    source      TEXT NOT NULL,
    source_file TEXT NOT NULL DEFAULT '',
    source_date TEXT NOT NULL DEFAULT '',
    dialect     TEXT NOT NULL DEFAULT '',
    chosen_by   TEXT NOT NULL DEFAULT '',  -- who chose this carer or contact for this pupil
    chosen_at   TIMESTAMP,
    ended_at    TIMESTAMP,                 -- the source no longer has it
    PRIMARY KEY (school, pupil, adult),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id),
    FOREIGN KEY (school, adult) REFERENCES directory_people (school, id)
);
CREATE INDEX directory_links_adult ON directory_links (school, adult);

-- A court's decision that this adult is told nothing of this pupil. Wins over all.
CREATE TABLE directory_decisions (
    school      TEXT NOT NULL,
    id          TEXT NOT NULL,
    pupil       TEXT NOT NULL,
    adult       TEXT NOT NULL,
    reference   TEXT NOT NULL,
    from_on     TEXT NOT NULL,
    until_on    TEXT NOT NULL DEFAULT '',  -- last day; empty: until lifted
    recorded_by TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    lifted_by   TEXT NOT NULL DEFAULT '',
    lifted_at   TIMESTAMP,
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id),
    FOREIGN KEY (school, adult) REFERENCES directory_people (school, id)
);
CREATE INDEX directory_decisions_pupil ON directory_decisions (school, pupil);

-- A pupil of age wrote that the parents are no longer to be told.
CREATE TABLE directory_objections (
    school       TEXT NOT NULL,
    id           TEXT NOT NULL,
    pupil        TEXT NOT NULL,
    reference    TEXT NOT NULL,
    recorded_by  TEXT NOT NULL,
    recorded_at  TIMESTAMP NOT NULL,
    withdrawn_at TIMESTAMP,
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);

CREATE TABLE directory_groups (
    school TEXT NOT NULL REFERENCES database_schools (id),
    id     TEXT NOT NULL,
    kind   TEXT NOT NULL CHECK (kind IN ('class', 'group')),
    code   TEXT NOT NULL,
    label  TEXT NOT NULL,
    PRIMARY KEY (school, id),
    UNIQUE (school, kind, code)
);

CREATE TABLE directory_members (
    school   TEXT NOT NULL,
    grp      TEXT NOT NULL,
    person   TEXT NOT NULL,
    from_on  TEXT NOT NULL DEFAULT '',
    until_on TEXT NOT NULL DEFAULT '',     -- first day on which the person is no longer in it
    PRIMARY KEY (school, grp, person),
    FOREIGN KEY (school, grp) REFERENCES directory_groups (school, id),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
CREATE INDEX directory_members_person ON directory_members (school, person);

CREATE TABLE directory_imports (
    school      TEXT NOT NULL REFERENCES database_schools (id),
    id          TEXT NOT NULL,
    at          TIMESTAMP NOT NULL,
    by          TEXT NOT NULL,
    dialect     TEXT NOT NULL,
    source_date TEXT NOT NULL,
    digest      TEXT NOT NULL,             -- of what was read for this school
    PRIMARY KEY (school, id)
);

-- What the office or the head has to settle about a person.
CREATE TABLE directory_tasks (
    school    TEXT NOT NULL,
    id        TEXT NOT NULL,
    kind      TEXT NOT NULL,
    person    TEXT NOT NULL,
    opened_at TIMESTAMP NOT NULL,
    closed_at TIMESTAMP,
    closed_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
