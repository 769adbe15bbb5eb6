-- +goose Up
-- The letters are the queue. A letter names a person and a contact point; the
-- address itself is read when the letter is claimed.
CREATE TABLE courier_letters (
    school     TEXT NOT NULL,
    id         TEXT NOT NULL,
    code       TEXT NOT NULL,               -- the reference that a family reads
    kind       TEXT NOT NULL CHECK (kind IN ('absence', 'arrived', 'correction')),
    ref        TEXT NOT NULL,               -- what it is about, known to who wrote it
    pupil      TEXT NOT NULL,
    person     TEXT NOT NULL,
    contact    TEXT NOT NULL,
    channel    TEXT NOT NULL CHECK (channel IN ('email', 'sms')),
    lang       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    body       TEXT NOT NULL,               -- emptied by the purge
    digest     TEXT NOT NULL,               -- keyed digest of subject and body
    message_id TEXT NOT NULL,               -- the same on a second attempt
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'leaving', 'left', 'delivered', 'unheard', 'refused', 'unsure', 'void')),
    because    TEXT NOT NULL DEFAULT '',    -- of refused, unsure, void
    attempts   INTEGER NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL,
    due_at     TIMESTAMP NOT NULL,          -- not claimed before
    expires_at TIMESTAMP NOT NULL,          -- no byte of it after
    leaving_at TIMESTAMP,                   -- of the last attempt
    settled_at TIMESTAMP,                   -- of the last answer
    PRIMARY KEY (school, id),
    UNIQUE (code),                          -- in the whole installation: explain finds one
    UNIQUE (school, kind, ref, pupil, person, channel, contact),
    CHECK (leaving_at IS NULL OR leaving_at < expires_at),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id),
    FOREIGN KEY (school, contact, person) REFERENCES directory_contacts (school, id, person)
);
CREATE INDEX courier_letters_due ON courier_letters (school, due_at) WHERE state IN ('waiting', 'leaving', 'unsure');
CREATE INDEX courier_letters_ref ON courier_letters (school, ref);
CREATE INDEX courier_letters_contact ON courier_letters (school, contact, created_at);

CREATE TABLE courier_attempts (
    school     TEXT NOT NULL,
    letter     TEXT NOT NULL,
    n          INTEGER NOT NULL,
    instance   TEXT NOT NULL,               -- the running program that spoke
    carrier    TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at   TIMESTAMP,
    outcome    TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'accepted', 'refused', 'later', 'not_written', 'unsure')),
    answer     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (school, letter, n),
    FOREIGN KEY (school, letter) REFERENCES courier_letters (school, id)
);

-- Running programs, so that a letter left leaving by a dead one is known unsure.
CREATE TABLE courier_instances (
    id         TEXT PRIMARY KEY,
    started_at TIMESTAMP NOT NULL,
    seen_at    TIMESTAMP NOT NULL,
    ended_at   TIMESTAMP
);
