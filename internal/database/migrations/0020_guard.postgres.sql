-- +goose Up
-- Messages of another program that leave by our carriers: the attempts at them, their
-- parts and what was heard of these. Their words and numbers are their keeper's.
CREATE TABLE courier_relays (
    school     TEXT NOT NULL REFERENCES database_schools (id),
    id         TEXT NOT NULL,
    n          INTEGER NOT NULL CHECK (n > 0),
    instance   TEXT NOT NULL,
    carrier    TEXT NOT NULL,
    provider   TEXT NOT NULL,
    address    TEXT NOT NULL,               -- keyed digest of the number
    reference  INTEGER NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at   TIMESTAMP,
    outcome    TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'accepted', 'refused', 'later', 'not_written', 'unsure')),
    answer     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (school, id, n)
);
CREATE INDEX courier_relays_pending ON courier_relays (instance) WHERE outcome = '';
CREATE INDEX courier_relays_address ON courier_relays (school, address, started_at);
CREATE INDEX courier_relays_reference ON courier_relays (provider, address, reference) WHERE outcome = 'unsure';
CREATE TABLE courier_relay_parts (
    school   TEXT NOT NULL,
    id       TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    provider TEXT NOT NULL,
    key      TEXT NOT NULL,                 -- the carrier's id in the form in which ids are compared
    address  TEXT NOT NULL,
    fate     TEXT NOT NULL DEFAULT '' CHECK (fate IN ('', 'delivered', 'failed')),
    PRIMARY KEY (school, id, attempt, n),
    FOREIGN KEY (school, id, attempt) REFERENCES courier_relays (school, id, n)
);
CREATE INDEX courier_relay_parts_key ON courier_relay_parts (provider, key);

-- What holds messages: one sign, shown to the office. It ends by two persons who let go
-- what was shown, or by one who makes it void; never by itself.
CREATE TABLE guard_trips (
    school     TEXT NOT NULL REFERENCES database_schools (id),
    id         TEXT NOT NULL,
    sign       TEXT NOT NULL CHECK (sign IN ('same', 'rate', 'share')),
    same       TEXT NOT NULL,               -- which text; empty: any
    text       TEXT NOT NULL,               -- the first message that it held; emptied by the purge
    seen       INTEGER NOT NULL,            -- numbers that the sign counted
    most       INTEGER NOT NULL,            -- that it allows
    opened_at  TIMESTAMP NOT NULL,
    asked_by   TEXT NOT NULL DEFAULT '',
    asked_at   TIMESTAMP,
    counted    INTEGER NOT NULL DEFAULT 0,  -- people shown to who asked
    expected   INTEGER NOT NULL DEFAULT 0,  -- people that the second person typed
    decided_by TEXT NOT NULL DEFAULT '',
    decided_at TIMESTAMP,
    outcome    TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'released', 'discarded')),
    PRIMARY KEY (school, id),
    CHECK ((outcome = '') = (decided_at IS NULL) AND (outcome = '') = (decided_by = '')),
    CHECK ((asked_by = '') = (asked_at IS NULL)),
    CHECK (outcome <> 'released' OR (asked_by <> '' AND decided_by <> asked_by AND expected > 0))
);
CREATE UNIQUE INDEX guard_trips_open ON guard_trips (school, same) WHERE outcome = '';

-- What a school's tool gave us to send. It is here before the tool hears that we have it.
CREATE TABLE guard_messages (
    school      TEXT NOT NULL REFERENCES database_schools (id),
    id          TEXT NOT NULL,
    number      TEXT NOT NULL,              -- keyed digest of the address
    address     TEXT NOT NULL,              -- E.164; emptied by the purge
    text        TEXT NOT NULL,              -- emptied by the purge
    same        TEXT NOT NULL,              -- keyed digest of the text without its digits
    words       TEXT NOT NULL,              -- keyed digest of address and text: a resubmission has it too
    via         TEXT NOT NULL CHECK (via IN ('smpp', 'http')),
    wanted      BOOLEAN NOT NULL,           -- the tool asks for a receipt
    sender      TEXT NOT NULL DEFAULT '',   -- as the tool wrote it, for its receipt
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'held', 'leaving', 'left', 'delivered', 'refused', 'unsure', 'void')),
    because     TEXT NOT NULL DEFAULT '',
    trip        TEXT,                       -- what holds it, or held it
    attempts    INTEGER NOT NULL DEFAULT 0,
    received_at TIMESTAMP NOT NULL,
    due_at      TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    leaving_at  TIMESTAMP,
    settled_at  TIMESTAMP,
    told_at     TIMESTAMP,                  -- the tool has its receipt
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, trip) REFERENCES guard_trips (school, id),
    CHECK (state <> 'held' OR trip IS NOT NULL),
    CHECK (leaving_at IS NULL OR leaving_at < expires_at)
);
CREATE INDEX guard_messages_words ON guard_messages (school, words, received_at);
CREATE INDEX guard_messages_same ON guard_messages (school, same, received_at);
CREATE INDEX guard_messages_at ON guard_messages (school, received_at);
CREATE INDEX guard_messages_trip ON guard_messages (school, trip) WHERE trip IS NOT NULL;
CREATE INDEX guard_messages_work ON guard_messages (school, due_at, id) WHERE state IN ('waiting', 'held', 'leaving');
CREATE INDEX guard_messages_tell ON guard_messages (school, settled_at) WHERE wanted AND told_at IS NULL;

-- Parts of a long message, each with the id that the tool was given for it.
CREATE TABLE guard_parts (
    school      TEXT NOT NULL REFERENCES database_schools (id),
    id          TEXT NOT NULL,
    number      TEXT NOT NULL,
    address     TEXT NOT NULL,              -- emptied when the message is whole
    text        TEXT NOT NULL,              -- emptied when the message is whole
    ref         INTEGER NOT NULL,
    total       INTEGER NOT NULL CHECK (total BETWEEN 2 AND 20),
    n           INTEGER NOT NULL CHECK (n BETWEEN 1 AND total),
    wanted      BOOLEAN NOT NULL,
    sender      TEXT NOT NULL DEFAULT '',
    received_at TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    message     TEXT,
    told_at     TIMESTAMP,
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, message) REFERENCES guard_messages (school, id)
);
CREATE INDEX guard_parts_of ON guard_parts (school, number, ref, received_at);
CREATE INDEX guard_parts_open ON guard_parts (school, received_at) WHERE message IS NULL;
CREATE INDEX guard_parts_message ON guard_parts (school, message) WHERE message IS NOT NULL;

-- What is usual: the busiest minute of each day of which nothing was held.
CREATE TABLE guard_days (
    school  TEXT NOT NULL REFERENCES database_schools (id),
    day     TEXT NOT NULL,                  -- of the school, YYYY-MM-DD
    numbers INTEGER NOT NULL,
    peak    INTEGER NOT NULL,
    PRIMARY KEY (school, day)
);

-- +goose StatementBegin
CREATE FUNCTION courier_relays_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.outcome <> '' OR NEW.ended_at IS NOT NULL
           OR EXISTS (SELECT 1 FROM courier_relays r WHERE r.school = NEW.school AND r.id = NEW.id AND r.outcome NOT IN ('later', 'not_written'))
           OR EXISTS (SELECT 1 FROM courier_stops s WHERE s.school = NEW.school AND s.lifted_at IS NULL)
           OR EXISTS (SELECT 1 FROM courier_locks k WHERE k.school = NEW.school AND k.lifted_at IS NULL) THEN
            RAISE EXCEPTION 'courier: a relayed message leaves once, and not when stopped or locked' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF to_jsonb(NEW) - '{ended_at,outcome,answer}'::text[] IS DISTINCT FROM to_jsonb(OLD) - '{ended_at,outcome,answer}'::text[]
       OR NOT (OLD.outcome = '' OR (OLD.outcome = 'unsure' AND NEW.outcome IN ('unsure', 'accepted', 'refused'))) THEN
        RAISE EXCEPTION 'courier: an attempt ends once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER courier_relays_guard BEFORE INSERT OR UPDATE ON courier_relays FOR EACH ROW EXECUTE FUNCTION courier_relays_guard();
CREATE TRIGGER courier_relays_delete BEFORE DELETE ON courier_relays FOR EACH ROW EXECUTE FUNCTION database_refuse('courier: attempts are never deleted');
CREATE TRIGGER courier_relays_truncate BEFORE TRUNCATE ON courier_relays EXECUTE FUNCTION database_refuse('courier: attempts are never deleted');
-- +goose StatementBegin
CREATE FUNCTION guard_trips_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.outcome <> '' OR NEW.asked_by <> '' THEN
            RAISE EXCEPTION 'guard: a trip begins once, and ends by people' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF to_jsonb(NEW) - '{text,asked_by,asked_at,counted,expected,decided_by,decided_at,outcome}'::text[] IS DISTINCT FROM to_jsonb(OLD) - '{text,asked_by,asked_at,counted,expected,decided_by,decided_at,outcome}'::text[]
       OR (NEW.text <> OLD.text AND (NEW.text <> '' OR OLD.outcome = ''))
       OR (OLD.outcome <> '' AND to_jsonb(NEW) - 'text' IS DISTINCT FROM to_jsonb(OLD) - 'text')
       OR (NEW.outcome = 'released' AND OLD.outcome = '' AND (NEW.asked_by, NEW.counted) IS DISTINCT FROM (OLD.asked_by, OLD.counted)) THEN
        RAISE EXCEPTION 'guard: a trip begins once, and ends by people' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER guard_trips_guard BEFORE INSERT OR UPDATE ON guard_trips FOR EACH ROW EXECUTE FUNCTION guard_trips_guard();
CREATE TRIGGER guard_trips_delete BEFORE DELETE ON guard_trips FOR EACH ROW EXECUTE FUNCTION database_refuse('guard: trips are never deleted');
CREATE TRIGGER guard_trips_truncate BEFORE TRUNCATE ON guard_trips EXECUTE FUNCTION database_refuse('guard: trips are never deleted');
-- +goose StatementBegin
CREATE FUNCTION guard_messages_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE moving CONSTANT text[] := '{address,text,state,because,trip,attempts,due_at,leaving_at,settled_at,told_at}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'waiting' OR NEW.trip IS NOT NULL OR NEW.attempts <> 0 OR NEW.leaving_at IS NOT NULL OR NEW.because <> '' THEN
            RAISE EXCEPTION 'guard: a message begins waiting, once' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF to_jsonb(NEW) - moving IS DISTINCT FROM to_jsonb(OLD) - moving
       OR (NEW.address <> OLD.address AND (NEW.address <> '' OR OLD.state IN ('waiting', 'held', 'leaving')))
       OR (NEW.text <> OLD.text AND (NEW.text <> '' OR OLD.state IN ('waiting', 'held', 'leaving')))
       OR (OLD.trip IS NOT NULL AND NEW.trip IS DISTINCT FROM OLD.trip)
       OR (OLD.trip IS NULL AND NEW.trip IS NOT NULL AND NOT (OLD.state = 'waiting' AND NEW.state = 'held'
           AND EXISTS (SELECT 1 FROM guard_trips t WHERE t.school = NEW.school AND t.id = NEW.trip AND t.outcome = '')))
       OR NEW.attempts < OLD.attempts OR (NEW.attempts <> OLD.attempts AND NOT (NEW.state = 'leaving' AND NEW.attempts = OLD.attempts + 1)) THEN
        RAISE EXCEPTION 'guard: a message keeps its words, its number and what held it' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state <> NEW.state AND NOT (
           (OLD.state = 'waiting' AND NEW.state IN ('held', 'void'))
        OR (OLD.state = 'waiting' AND NEW.state = 'leaving'
            AND (NEW.trip IS NULL OR EXISTS (SELECT 1 FROM guard_trips t WHERE t.school = NEW.school AND t.id = NEW.trip AND t.outcome = 'released'))
            AND EXISTS (SELECT 1 FROM courier_relays r WHERE r.school = NEW.school AND r.id = NEW.id AND r.n = NEW.attempts AND r.outcome = ''))
        OR (OLD.state = 'held' AND NEW.state = 'void')
        OR (OLD.state = 'held' AND NEW.state = 'waiting' AND EXISTS (SELECT 1 FROM guard_trips t WHERE t.school = NEW.school AND t.id = NEW.trip AND t.outcome = 'released'))
        OR (OLD.state = 'leaving' AND NEW.state IN ('left', 'refused', 'unsure', 'void', 'delivered'))
        OR (OLD.state = 'leaving' AND NEW.state = 'waiting' AND EXISTS (SELECT 1 FROM courier_relays r WHERE r.school = NEW.school AND r.id = NEW.id AND r.n = NEW.attempts AND r.outcome IN ('later', 'not_written')))
        OR (OLD.state = 'unsure' AND NEW.state IN ('left', 'delivered', 'refused'))
        OR (OLD.state = 'left' AND NEW.state IN ('delivered', 'refused'))) THEN
        RAISE EXCEPTION 'guard: a state only moves forward, and what is held is let go by two' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER guard_messages_guard BEFORE INSERT OR UPDATE ON guard_messages FOR EACH ROW EXECUTE FUNCTION guard_messages_guard();
CREATE TRIGGER guard_messages_delete BEFORE DELETE ON guard_messages FOR EACH ROW EXECUTE FUNCTION database_refuse('guard: messages are never deleted');
CREATE TRIGGER guard_messages_truncate BEFORE TRUNCATE ON guard_messages EXECUTE FUNCTION database_refuse('guard: messages are never deleted');
