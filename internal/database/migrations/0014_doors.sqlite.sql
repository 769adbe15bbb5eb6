-- +goose NO TRANSACTION
-- +goose Up
-- Letters that are about nobody's absence, exercises, and what keeps letters in the
-- building. SQLite changes no CHECK of a table: the letters' table is made again, as its
-- documentation says, in one transaction with foreign keys off.
PRAGMA foreign_keys = OFF;
PRAGMA legacy_alter_table = ON;
BEGIN IMMEDIATE;
CREATE TABLE courier_letters_new (
    school     TEXT NOT NULL,
    id         TEXT NOT NULL,
    code       TEXT NOT NULL,               -- the reference that a family reads
    kind       TEXT NOT NULL CHECK (kind IN ('absence', 'arrived', 'correction', 'notice', 'daily')),
    ref        TEXT NOT NULL,               -- what it is about, known to who wrote it
    pupil      TEXT,                        -- of absence, arrived, correction
    person     TEXT NOT NULL,
    contact    TEXT NOT NULL,
    channel    TEXT NOT NULL CHECK (channel IN ('email', 'sms')),
    lang       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    body       TEXT NOT NULL,               -- emptied by the purge
    digest     TEXT NOT NULL,               -- keyed digest of all that must not change
    message_id TEXT NOT NULL,               -- the same on a second attempt
    exercise   BOOLEAN NOT NULL DEFAULT FALSE, -- of a rehearsal: no carrier but the pretended one takes it
    held_by    TEXT NOT NULL DEFAULT '',    -- what keeps it waiting; empty: nothing
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
    CHECK (leaving_at IS NULL OR leaving_at < expires_at),
    CHECK ((pupil IS NULL) = (kind IN ('notice', 'daily'))),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id),
    FOREIGN KEY (school, contact, person) REFERENCES directory_contacts (school, id, person)
);
INSERT INTO courier_letters_new (school, id, code, kind, ref, pupil, person, contact, channel, lang, subject, body, digest, message_id, state, because, attempts, created_at, due_at, expires_at, leaving_at, settled_at)
SELECT school, id, code, kind, ref, pupil, person, contact, channel, lang, subject, body, digest, message_id, state, because, attempts, created_at, due_at, expires_at, leaving_at, settled_at FROM courier_letters;
DROP TABLE courier_letters;
ALTER TABLE courier_letters_new RENAME TO courier_letters;
CREATE UNIQUE INDEX courier_letters_once ON courier_letters (school, kind, ref, coalesce(pupil, ''), person, channel, contact);
CREATE INDEX courier_letters_ref ON courier_letters (school, ref);
CREATE INDEX courier_letters_contact ON courier_letters (school, contact, created_at);
CREATE INDEX courier_letters_queue ON courier_letters (school, kind, due_at, id) WHERE state IN ('waiting', 'unsure');
CREATE INDEX courier_letters_message ON courier_letters (message_id);
CREATE INDEX courier_letters_leaving ON courier_letters (state, leaving_at) WHERE state IN ('leaving', 'left');
CREATE INDEX courier_letters_held ON courier_letters (school, held_by) WHERE held_by <> '';

-- One press of the office: no letter begins to leave after it. Lifted by two persons.
CREATE TABLE courier_stops (
    school    TEXT NOT NULL REFERENCES database_schools (id),
    id        TEXT NOT NULL,
    by        TEXT NOT NULL,                -- person
    at        TIMESTAMP NOT NULL,
    asked_by  TEXT NOT NULL DEFAULT '',     -- who asked for it to be lifted
    asked_at  TIMESTAMP,
    lifted_by TEXT NOT NULL DEFAULT '',
    lifted_at TIMESTAMP,
    PRIMARY KEY (school, id),
    CHECK (lifted_by = '' OR lifted_by <> asked_by),
    CHECK ((lifted_by = '') = (lifted_at IS NULL) AND (asked_by = '') = (asked_at IS NULL)),
    CHECK (lifted_by = '' OR asked_by <> '')
);
CREATE UNIQUE INDEX courier_stops_open ON courier_stops (school) WHERE lifted_at IS NULL;

-- The fence: this installation is not the one that its folder remembers. Nothing at all
-- leaves until two persons arm it again.
CREATE TABLE courier_locks (
    school    TEXT NOT NULL REFERENCES database_schools (id),
    id        TEXT NOT NULL,
    why       TEXT NOT NULL,
    at        TIMESTAMP NOT NULL,
    asked_by  TEXT NOT NULL DEFAULT '',
    asked_at  TIMESTAMP,
    lifted_by TEXT NOT NULL DEFAULT '',
    lifted_at TIMESTAMP,
    PRIMARY KEY (school, id),
    CHECK (lifted_by = '' OR lifted_by <> asked_by),
    CHECK ((lifted_by = '') = (lifted_at IS NULL) AND (asked_by = '') = (asked_at IS NULL)),
    CHECK (lifted_by = '' OR asked_by <> '')
);
CREATE UNIQUE INDEX courier_locks_open ON courier_locks (school) WHERE lifted_at IS NULL;

-- The installation's age: 0 until its folder knows it, one more each time that they disagreed.
ALTER TABLE database_installation ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

-- A carrier's id as it was given: what it is asked back by.
ALTER TABLE courier_parts ADD COLUMN given TEXT NOT NULL DEFAULT '';
DROP TRIGGER courier_parts_settled;
-- +goose StatementBegin
CREATE TRIGGER courier_parts_settled BEFORE UPDATE ON courier_parts
WHEN OLD.fate <> '' OR NEW.school IS NOT OLD.school OR NEW.letter IS NOT OLD.letter OR NEW.attempt IS NOT OLD.attempt OR NEW.n IS NOT OLD.n
  OR NEW.provider IS NOT OLD.provider OR NEW.key IS NOT OLD.key OR NEW.address IS NOT OLD.address OR NEW.given IS NOT OLD.given
BEGIN SELECT RAISE(ABORT, 'courier: a part has one fate'); END;
-- +goose StatementEnd

-- The guards of the letters, which went with their table, and the new ones.
-- +goose StatementBegin
CREATE TRIGGER courier_letters_new BEFORE INSERT ON courier_letters
WHEN EXISTS (SELECT 1 FROM courier_letters WHERE rowid = NEW.rowid) OR NEW.state <> 'waiting' OR NEW.attempts <> 0 OR NEW.leaving_at IS NOT NULL OR NEW.because <> '' OR NEW.held_by <> ''
  OR EXISTS (SELECT 1 FROM courier_letters WHERE code = NEW.code)
  OR EXISTS (SELECT 1 FROM courier_letters WHERE school = NEW.school AND id = NEW.id)
  OR EXISTS (SELECT 1 FROM courier_letters WHERE school = NEW.school AND kind = NEW.kind AND ref = NEW.ref AND coalesce(pupil, '') = coalesce(NEW.pupil, '') AND person = NEW.person AND channel = NEW.channel AND contact = NEW.contact)
BEGIN SELECT RAISE(ABORT, 'courier: a letter begins waiting, once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_words BEFORE UPDATE ON courier_letters
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.code IS NOT OLD.code OR NEW.kind IS NOT OLD.kind
  OR NEW.ref IS NOT OLD.ref OR NEW.pupil IS NOT OLD.pupil OR NEW.person IS NOT OLD.person OR NEW.contact IS NOT OLD.contact
  OR NEW.channel IS NOT OLD.channel OR NEW.digest IS NOT OLD.digest OR NEW.message_id IS NOT OLD.message_id OR NEW.exercise IS NOT OLD.exercise
  OR NEW.created_at IS NOT OLD.created_at OR NEW.expires_at IS NOT OLD.expires_at
  OR (NEW.body IS NOT OLD.body AND (NEW.body <> '' OR OLD.state IN ('waiting', 'leaving')))
  OR (NEW.subject IS NOT OLD.subject AND (NEW.subject <> '' OR OLD.state IN ('waiting', 'leaving')))
BEGIN SELECT RAISE(ABORT, 'courier: a letter keeps its words and its recipient'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_forward BEFORE UPDATE OF state ON courier_letters
WHEN OLD.state <> NEW.state AND NOT (
     (OLD.state = 'waiting' AND NEW.state IN ('leaving', 'void', 'refused'))
  OR (OLD.state = 'leaving' AND NEW.state IN ('left', 'refused', 'unsure', 'void'))
  OR (OLD.state = 'leaving' AND NEW.state = 'waiting' AND EXISTS (SELECT 1 FROM courier_attempts a WHERE a.school = OLD.school AND a.letter = OLD.id
      AND a.n = OLD.attempts AND a.outcome IN ('later', 'not_written')))
  OR (OLD.state = 'unsure'  AND NEW.state IN ('left', 'delivered', 'refused', 'unheard'))
  OR (OLD.state = 'unsure'  AND NEW.state = 'leaving' AND OLD.channel = 'email' AND OLD.attempts = 1)
  OR (OLD.state = 'left'    AND NEW.state IN ('delivered', 'unheard', 'refused'))
  OR (OLD.state = 'unheard' AND NEW.state IN ('delivered', 'refused')))
BEGIN SELECT RAISE(ABORT, 'courier: a state only moves forward'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_attempts BEFORE UPDATE ON courier_letters
WHEN NEW.attempts < OLD.attempts OR NEW.attempts > OLD.attempts + 1
  OR (NEW.attempts <> OLD.attempts AND NEW.state <> 'leaving')
  OR (OLD.state <> 'leaving' AND NEW.state = 'leaving' AND NEW.attempts <> OLD.attempts + 1)
BEGIN SELECT RAISE(ABORT, 'courier: leaving is one attempt more'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_kept BEFORE UPDATE OF state ON courier_letters
WHEN NEW.state = 'leaving' AND OLD.state <> 'leaving' AND (
     NEW.held_by <> '' OR OLD.held_by <> ''
  OR (NEW.kind IN ('absence', 'notice') AND EXISTS (SELECT 1 FROM courier_stops s WHERE s.school = NEW.school AND s.lifted_at IS NULL))
  OR EXISTS (SELECT 1 FROM courier_locks k WHERE k.school = NEW.school AND k.lifted_at IS NULL))
BEGIN SELECT RAISE(ABORT, 'courier: held, stopped or locked: it does not leave'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_holding BEFORE UPDATE OF held_by ON courier_letters
WHEN NEW.held_by IS NOT OLD.held_by AND (NEW.state NOT IN ('waiting', 'unsure') OR OLD.state <> NEW.state OR (NEW.held_by <> '' AND NEW.kind <> 'absence'))
BEGIN SELECT RAISE(ABORT, 'courier: only an absence that waits is held'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_delete BEFORE DELETE ON courier_letters
BEGIN SELECT RAISE(ABORT, 'courier: letters are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_attempts_exercise BEFORE INSERT ON courier_attempts
WHEN NEW.carrier <> 'pretend' AND EXISTS (SELECT 1 FROM courier_letters l WHERE l.school = NEW.school AND l.id = NEW.letter AND l.exercise)
BEGIN SELECT RAISE(ABORT, 'courier: an exercise meets no carrier'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_stops_new BEFORE INSERT ON courier_stops
WHEN NEW.lifted_at IS NOT NULL OR NEW.asked_at IS NOT NULL OR EXISTS (SELECT 1 FROM courier_stops WHERE rowid = NEW.rowid OR (school = NEW.school AND (id = NEW.id OR lifted_at IS NULL)))
BEGIN SELECT RAISE(ABORT, 'courier: a stop begins once, and is lifted by two'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_stops_forward BEFORE UPDATE ON courier_stops
WHEN OLD.lifted_at IS NOT NULL OR NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.by IS NOT OLD.by OR NEW.at IS NOT OLD.at
  OR (NEW.lifted_at IS NOT NULL AND (NEW.asked_by IS NOT OLD.asked_by OR OLD.asked_by = ''))
BEGIN SELECT RAISE(ABORT, 'courier: a stop begins once, and is lifted by two'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_stops_delete BEFORE DELETE ON courier_stops
BEGIN SELECT RAISE(ABORT, 'courier: stops are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_locks_new BEFORE INSERT ON courier_locks
WHEN NEW.lifted_at IS NOT NULL OR NEW.asked_at IS NOT NULL OR EXISTS (SELECT 1 FROM courier_locks WHERE rowid = NEW.rowid OR (school = NEW.school AND (id = NEW.id OR lifted_at IS NULL)))
BEGIN SELECT RAISE(ABORT, 'courier: a lock begins once, and is lifted by two'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_locks_forward BEFORE UPDATE ON courier_locks
WHEN OLD.lifted_at IS NOT NULL OR NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.why IS NOT OLD.why OR NEW.at IS NOT OLD.at
  OR (NEW.lifted_at IS NOT NULL AND (NEW.asked_by IS NOT OLD.asked_by OR OLD.asked_by = ''))
BEGIN SELECT RAISE(ABORT, 'courier: a lock begins once, and is lifted by two'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_locks_delete BEFORE DELETE ON courier_locks
BEGIN SELECT RAISE(ABORT, 'courier: locks are never deleted'); END;
-- +goose StatementEnd
COMMIT;
PRAGMA legacy_alter_table = OFF;
PRAGMA foreign_keys = ON;
