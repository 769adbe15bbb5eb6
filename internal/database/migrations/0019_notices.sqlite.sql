-- +goose Up
-- The few prepared announcements to many. A request is asked for by one person and
-- confirmed by another within half an hour; what was counted is what is confirmed, and
-- what is confirmed is what leaves.
CREATE TABLE notices_requests (
    school         TEXT NOT NULL REFERENCES database_schools (id),
    id             TEXT NOT NULL,
    text           TEXT NOT NULL CHECK (text IN ('closed', 'transport', 'strike', 'confinement', 'denial', 'exercise')),
    choice         TEXT NOT NULL,               -- which of the text's prepared wordings
    day            TEXT NOT NULL DEFAULT '',    -- that it names, YYYY-MM-DD
    hour           TEXT NOT NULL DEFAULT '',    -- that it names, HH:MM
    level          TEXT NOT NULL CHECK (level <> ''), -- whose classes it concerns, or 'whole school'
    asked_by       TEXT NOT NULL CHECK (asked_by <> ''), -- person
    asked_role     TEXT NOT NULL CHECK (asked_role IN ('head', 'cpe')),
    asked_at       TIMESTAMP NOT NULL,
    people         INTEGER NOT NULL CHECK (people > 0),
    addresses      INTEGER NOT NULL CHECK (addresses > 0),
    digest         TEXT NOT NULL,               -- keyed digest of the words and of the set that was counted
    state          TEXT NOT NULL CHECK (state IN ('asked', 'confirmed', 'written', 'withdrawn', 'void')),
    because        TEXT NOT NULL DEFAULT '',    -- of void
    confirmed_by   TEXT NOT NULL DEFAULT '',    -- another person, or an operator's account
    confirmed_at   TIMESTAMP,
    confirmed_on   TEXT NOT NULL DEFAULT '',    -- the school's day, for the caps
    expires_at     TIMESTAMP,
    seal           TEXT NOT NULL DEFAULT '',    -- keyed digest of all of the above and of whom it goes to
    settled_by     TEXT NOT NULL DEFAULT '',    -- who withdrew it; empty: the program
    settled_at     TIMESTAMP,
    PRIMARY KEY (school, id),
    CHECK (confirmed_by <> asked_by),
    CHECK ((confirmed_by = '') = (confirmed_at IS NULL)),
    CHECK ((confirmed_by = '') = (expires_at IS NULL)),
    CHECK ((confirmed_by = '') = (confirmed_on = '') AND (confirmed_by = '') = (seal = '')),
    CHECK (confirmed_by <> '' OR state IN ('asked', 'void')),
    CHECK (confirmed_by = '' OR state <> 'asked')
);
CREATE INDEX notices_requests_at ON notices_requests (school, asked_at);
CREATE INDEX notices_requests_day ON notices_requests (school, confirmed_on) WHERE confirmed_on <> '';
CREATE INDEX notices_requests_work ON notices_requests (state, school) WHERE state IN ('asked', 'confirmed');

-- To whom a confirmed request goes: fixed by the confirmation, each address once; then
-- each gets its letter, once.
CREATE TABLE notices_letters (
    school  TEXT NOT NULL,
    request TEXT NOT NULL,
    n       INTEGER NOT NULL,
    person  TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'sms')),
    contact TEXT NOT NULL,
    address TEXT NOT NULL,                      -- keyed digest of channel and address
    letter  TEXT,
    PRIMARY KEY (school, request, n),
    UNIQUE (school, request, address),
    UNIQUE (school, letter),
    FOREIGN KEY (school, request) REFERENCES notices_requests (school, id),
    FOREIGN KEY (school, contact, person) REFERENCES directory_contacts (school, id, person),
    FOREIGN KEY (school, letter) REFERENCES courier_letters (school, id)
);
CREATE INDEX notices_letters_open ON notices_letters (school, request, n) WHERE letter IS NULL;

-- +goose StatementBegin
CREATE TRIGGER notices_requests_new BEFORE INSERT ON notices_requests
WHEN NEW.state <> 'asked' OR NEW.because <> '' OR NEW.confirmed_by <> '' OR NEW.settled_at IS NOT NULL
  OR EXISTS (SELECT 1 FROM notices_requests WHERE rowid = NEW.rowid OR (school = NEW.school AND id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'notices: a request begins by asking, once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_requests_words BEFORE UPDATE ON notices_requests
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.text IS NOT OLD.text OR NEW.choice IS NOT OLD.choice OR NEW.day IS NOT OLD.day OR NEW.hour IS NOT OLD.hour
  OR NEW.level IS NOT OLD.level OR NEW.asked_by IS NOT OLD.asked_by OR NEW.asked_role IS NOT OLD.asked_role OR NEW.asked_at IS NOT OLD.asked_at
  OR NEW.people IS NOT OLD.people OR NEW.addresses IS NOT OLD.addresses OR NEW.digest IS NOT OLD.digest
  OR (OLD.confirmed_by <> '' AND (NEW.confirmed_by IS NOT OLD.confirmed_by OR NEW.confirmed_at IS NOT OLD.confirmed_at OR NEW.confirmed_on IS NOT OLD.confirmed_on OR NEW.expires_at IS NOT OLD.expires_at OR NEW.seal IS NOT OLD.seal))
  OR (NEW.confirmed_by IS NOT OLD.confirmed_by AND NOT (OLD.state = 'asked' AND NEW.state = 'confirmed'))
BEGIN SELECT RAISE(ABORT, 'notices: a request keeps its words, its count and its two persons'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_requests_forward BEFORE UPDATE ON notices_requests
WHEN NOT (
     (OLD.state = 'asked'     AND NEW.state IN ('confirmed', 'void'))
  OR (OLD.state = 'confirmed' AND NEW.state IN ('written', 'withdrawn', 'void'))
  OR (OLD.state = 'written'   AND NEW.state IN ('withdrawn', 'void')))
BEGIN SELECT RAISE(ABORT, 'notices: a request only moves forward'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_requests_counted BEFORE UPDATE ON notices_requests
WHEN OLD.state = 'asked' AND NEW.state = 'confirmed'
  AND ((SELECT count(*) FROM notices_letters l WHERE l.school = NEW.school AND l.request = NEW.id) <> NEW.addresses
    OR (SELECT count(DISTINCT l.person) FROM notices_letters l WHERE l.school = NEW.school AND l.request = NEW.id) > NEW.people)
BEGIN SELECT RAISE(ABORT, 'notices: what was counted is what is confirmed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_requests_caps BEFORE UPDATE ON notices_requests
WHEN OLD.state = 'asked' AND NEW.state = 'confirmed' AND (
     (NEW.text NOT IN ('confinement', 'denial') AND (
        (SELECT count(*) FROM notices_requests r WHERE r.school = NEW.school AND r.confirmed_on = NEW.confirmed_on AND r.text NOT IN ('confinement', 'denial')) >= 2
     OR (SELECT count(*) FROM notices_requests r WHERE r.school = NEW.school AND r.confirmed_on > date(NEW.confirmed_on, '-7 days') AND r.confirmed_on <> '' AND r.text NOT IN ('confinement', 'denial')) >= 6))
  OR (NEW.text = 'confinement' AND (SELECT count(*) FROM notices_requests r WHERE r.school = NEW.school AND r.confirmed_on = NEW.confirmed_on AND r.text = 'confinement') >= 8)
  OR (NEW.text = 'denial' AND (SELECT count(*) FROM notices_requests r WHERE r.school = NEW.school AND r.confirmed_on = NEW.confirmed_on AND r.text = 'denial') >= 2))
BEGIN SELECT RAISE(ABORT, 'notices: too many today or this week'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_requests_delete BEFORE DELETE ON notices_requests
BEGIN SELECT RAISE(ABORT, 'notices: requests are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_letters_new BEFORE INSERT ON notices_letters
WHEN NEW.letter IS NOT NULL
  OR NOT EXISTS (SELECT 1 FROM notices_requests r WHERE r.school = NEW.school AND r.id = NEW.request AND r.state = 'asked')
  OR EXISTS (SELECT 1 FROM notices_letters WHERE rowid = NEW.rowid OR (school = NEW.school AND request = NEW.request AND (n = NEW.n OR address = NEW.address)))
BEGIN SELECT RAISE(ABORT, 'notices: whom a request goes to is fixed when it is confirmed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_letters_forward BEFORE UPDATE ON notices_letters
WHEN NEW.school IS NOT OLD.school OR NEW.request IS NOT OLD.request OR NEW.n IS NOT OLD.n OR NEW.person IS NOT OLD.person OR NEW.channel IS NOT OLD.channel
  OR NEW.contact IS NOT OLD.contact OR NEW.address IS NOT OLD.address OR OLD.letter IS NOT NULL OR NEW.letter IS NULL
  OR NOT EXISTS (SELECT 1 FROM notices_requests r WHERE r.school = NEW.school AND r.id = NEW.request AND r.state = 'confirmed')
  OR NOT EXISTS (SELECT 1 FROM courier_letters l WHERE l.school = NEW.school AND l.id = NEW.letter AND l.kind = 'notice' AND l.ref = NEW.request
      AND l.person = NEW.person AND l.channel = NEW.channel AND l.contact = NEW.contact)
BEGIN SELECT RAISE(ABORT, 'notices: an address gets its letter, once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_letters_delete BEFORE DELETE ON notices_letters
BEGIN SELECT RAISE(ABORT, 'notices: whom a request went to is never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_leaving BEFORE UPDATE OF state ON courier_letters
WHEN NEW.kind = 'notice' AND NEW.state = 'leaving' AND OLD.state <> 'leaving'
  AND NOT EXISTS (SELECT 1 FROM notices_letters n JOIN notices_requests r ON r.school = n.school AND r.id = n.request
      WHERE n.school = NEW.school AND n.letter = NEW.id AND r.state IN ('confirmed', 'written') AND r.confirmed_by <> '')
BEGIN SELECT RAISE(ABORT, 'notices: no letter leaves that two persons did not ask for'); END;
-- +goose StatementEnd
