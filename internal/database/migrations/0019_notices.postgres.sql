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
CREATE FUNCTION notices_requests_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE moving CONSTANT text[] := '{state,because,confirmed_by,confirmed_at,confirmed_on,expires_at,seal,settled_by,settled_at}';
DECLARE confirming CONSTANT text[] := '{state,because,settled_by,settled_at}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'asked' OR NEW.because <> '' OR NEW.confirmed_by <> '' OR NEW.settled_at IS NOT NULL THEN
            RAISE EXCEPTION 'notices: a request begins by asking, once' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NOT ((OLD.state = 'asked'     AND NEW.state IN ('confirmed', 'void'))
         OR (OLD.state = 'confirmed' AND NEW.state IN ('written', 'withdrawn', 'void'))
         OR (OLD.state = 'written'   AND NEW.state IN ('withdrawn', 'void'))) THEN
        RAISE EXCEPTION 'notices: a request only moves forward' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF to_jsonb(NEW) - moving IS DISTINCT FROM to_jsonb(OLD) - moving
       OR (NEW.state <> 'confirmed' AND to_jsonb(NEW) - confirming IS DISTINCT FROM to_jsonb(OLD) - confirming) THEN
        RAISE EXCEPTION 'notices: a request keeps its words, its count and its two persons' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.state <> 'confirmed' THEN
        RETURN NEW;
    END IF;
    IF (SELECT count(*) FROM notices_letters l WHERE l.school = NEW.school AND l.request = NEW.id) <> NEW.addresses
       OR (SELECT count(DISTINCT l.person) FROM notices_letters l WHERE l.school = NEW.school AND l.request = NEW.id) > NEW.people THEN
        RAISE EXCEPTION 'notices: what was counted is what is confirmed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.text NOT IN ('confinement', 'denial') AND (
           (SELECT count(*) FROM notices_requests r WHERE r.school = NEW.school AND r.confirmed_on = NEW.confirmed_on AND r.text NOT IN ('confinement', 'denial')) >= 2
        OR (SELECT count(*) FROM notices_requests r WHERE r.school = NEW.school AND r.confirmed_on <> '' AND r.confirmed_on > (NEW.confirmed_on::date - 7)::text AND r.text NOT IN ('confinement', 'denial')) >= 6)
       OR NEW.text = 'confinement' AND (SELECT count(*) FROM notices_requests r WHERE r.school = NEW.school AND r.confirmed_on = NEW.confirmed_on AND r.text = 'confinement') >= 8
       OR NEW.text = 'denial' AND (SELECT count(*) FROM notices_requests r WHERE r.school = NEW.school AND r.confirmed_on = NEW.confirmed_on AND r.text = 'denial') >= 2 THEN
        RAISE EXCEPTION 'notices: too many today or this week' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER notices_requests_guard BEFORE INSERT OR UPDATE ON notices_requests FOR EACH ROW EXECUTE FUNCTION notices_requests_guard();
CREATE TRIGGER notices_requests_delete BEFORE DELETE ON notices_requests FOR EACH ROW EXECUTE FUNCTION database_refuse('notices: requests are never deleted');
CREATE TRIGGER notices_requests_truncate BEFORE TRUNCATE ON notices_requests EXECUTE FUNCTION database_refuse('notices: requests are never deleted');
-- +goose StatementBegin
CREATE FUNCTION notices_letters_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.letter IS NOT NULL OR NOT EXISTS (SELECT 1 FROM notices_requests r WHERE r.school = NEW.school AND r.id = NEW.request AND r.state = 'asked') THEN
            RAISE EXCEPTION 'notices: whom a request goes to is fixed when it is confirmed' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF to_jsonb(NEW) - 'letter' IS DISTINCT FROM to_jsonb(OLD) - 'letter' OR OLD.letter IS NOT NULL OR NEW.letter IS NULL
       OR NOT EXISTS (SELECT 1 FROM notices_requests r WHERE r.school = NEW.school AND r.id = NEW.request AND r.state = 'confirmed')
       OR NOT EXISTS (SELECT 1 FROM courier_letters l WHERE l.school = NEW.school AND l.id = NEW.letter AND l.kind = 'notice' AND l.ref = NEW.request
           AND l.person = NEW.person AND l.channel = NEW.channel AND l.contact = NEW.contact) THEN
        RAISE EXCEPTION 'notices: an address gets its letter, once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER notices_letters_guard BEFORE INSERT OR UPDATE ON notices_letters FOR EACH ROW EXECUTE FUNCTION notices_letters_guard();
CREATE TRIGGER notices_letters_delete BEFORE DELETE ON notices_letters FOR EACH ROW EXECUTE FUNCTION database_refuse('notices: whom a request went to is never deleted');
CREATE TRIGGER notices_letters_truncate BEFORE TRUNCATE ON notices_letters EXECUTE FUNCTION database_refuse('notices: whom a request went to is never deleted');
-- +goose StatementBegin
CREATE FUNCTION notices_leaving() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM notices_letters n JOIN notices_requests r ON r.school = n.school AND r.id = n.request
        WHERE n.school = NEW.school AND n.letter = NEW.id AND r.state IN ('confirmed', 'written') AND r.confirmed_by <> '') THEN
        RAISE EXCEPTION 'notices: no letter leaves that two persons did not ask for' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER notices_leaving BEFORE UPDATE OF state ON courier_letters FOR EACH ROW
    WHEN (NEW.kind = 'notice' AND NEW.state = 'leaving' AND OLD.state <> 'leaving') EXECUTE FUNCTION notices_leaving();
-- A session plans a guard's question once, perhaps while the tables are small.
ALTER FUNCTION notices_letters_guard() SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION notices_leaving() SET plan_cache_mode = force_custom_plan;
