-- +goose Up
-- Letters that are about nobody's absence, exercises, and what keeps letters in the
-- building.
ALTER TABLE courier_letters DROP CONSTRAINT courier_letters_kind_check;
ALTER TABLE courier_letters ADD CONSTRAINT courier_letters_kind_check CHECK (kind IN ('absence', 'arrived', 'correction', 'notice', 'daily'));
ALTER TABLE courier_letters ALTER COLUMN pupil DROP NOT NULL;                      -- of absence, arrived, correction
ALTER TABLE courier_letters ADD CONSTRAINT courier_letters_pupil_check CHECK ((pupil IS NULL) = (kind IN ('notice', 'daily')));
ALTER TABLE courier_letters ADD COLUMN exercise BOOLEAN NOT NULL DEFAULT FALSE;    -- of a rehearsal: no carrier but the pretended one takes it
ALTER TABLE courier_letters ADD COLUMN held_by TEXT NOT NULL DEFAULT '';           -- what keeps it waiting; empty: nothing
ALTER TABLE courier_letters DROP CONSTRAINT courier_letters_school_kind_ref_pupil_person_channel_contac_key;
CREATE UNIQUE INDEX courier_letters_once ON courier_letters (school, kind, ref, coalesce(pupil, ''), person, channel, contact);
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
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION courier_parts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.fate <> '' OR (NEW.school, NEW.letter, NEW.attempt, NEW.n, NEW.provider, NEW.key, NEW.address, NEW.given)
       IS DISTINCT FROM (OLD.school, OLD.letter, OLD.attempt, OLD.n, OLD.provider, OLD.key, OLD.address, OLD.given) THEN
        RAISE EXCEPTION 'courier: a part has one fate' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION courier_letters_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'waiting' OR NEW.attempts <> 0 OR NEW.leaving_at IS NOT NULL OR NEW.because <> '' OR NEW.held_by <> '' THEN
            RAISE EXCEPTION 'courier: a letter begins waiting, once' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.school, NEW.id, NEW.code, NEW.kind, NEW.ref, NEW.pupil, NEW.person, NEW.contact, NEW.channel, NEW.digest, NEW.message_id, NEW.exercise, NEW.created_at, NEW.expires_at)
       IS DISTINCT FROM
       (OLD.school, OLD.id, OLD.code, OLD.kind, OLD.ref, OLD.pupil, OLD.person, OLD.contact, OLD.channel, OLD.digest, OLD.message_id, OLD.exercise, OLD.created_at, OLD.expires_at)
       OR (NEW.body IS DISTINCT FROM OLD.body AND (NEW.body <> '' OR OLD.state IN ('waiting', 'leaving')))
       OR (NEW.subject IS DISTINCT FROM OLD.subject AND (NEW.subject <> '' OR OLD.state IN ('waiting', 'leaving'))) THEN
        RAISE EXCEPTION 'courier: a letter keeps its words and its recipient' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state <> NEW.state AND NOT (
           (OLD.state = 'waiting' AND NEW.state IN ('leaving', 'void', 'refused'))
        OR (OLD.state = 'leaving' AND NEW.state IN ('left', 'refused', 'unsure', 'void'))
        OR (OLD.state = 'leaving' AND NEW.state = 'waiting' AND EXISTS (SELECT 1 FROM courier_attempts a WHERE a.school = OLD.school AND a.letter = OLD.id
            AND a.n = OLD.attempts AND a.outcome IN ('later', 'not_written')))
        OR (OLD.state = 'unsure'  AND NEW.state IN ('left', 'delivered', 'refused', 'unheard'))
        OR (OLD.state = 'unsure'  AND NEW.state = 'leaving' AND OLD.channel = 'email' AND OLD.attempts = 1)
        OR (OLD.state = 'left'    AND NEW.state IN ('delivered', 'unheard', 'refused'))
        OR (OLD.state = 'unheard' AND NEW.state IN ('delivered', 'refused'))) THEN
        RAISE EXCEPTION 'courier: a state only moves forward' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.attempts < OLD.attempts OR NEW.attempts > OLD.attempts + 1
       OR (NEW.attempts <> OLD.attempts AND NEW.state <> 'leaving')
       OR (OLD.state <> 'leaving' AND NEW.state = 'leaving' AND NEW.attempts <> OLD.attempts + 1) THEN
        RAISE EXCEPTION 'courier: leaving is one attempt more' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.state = 'leaving' AND OLD.state <> 'leaving' AND (
           NEW.held_by <> '' OR OLD.held_by <> ''
        OR (NEW.kind IN ('absence', 'notice') AND EXISTS (SELECT 1 FROM courier_stops s WHERE s.school = NEW.school AND s.lifted_at IS NULL))
        OR EXISTS (SELECT 1 FROM courier_locks k WHERE k.school = NEW.school AND k.lifted_at IS NULL)) THEN
        RAISE EXCEPTION 'courier: held, stopped or locked: it does not leave' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.held_by <> OLD.held_by AND (NEW.state NOT IN ('waiting', 'unsure') OR OLD.state <> NEW.state OR (NEW.held_by <> '' AND NEW.kind <> 'absence')) THEN
        RAISE EXCEPTION 'courier: only an absence that waits is held' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION courier_attempts_exercise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.carrier <> 'pretend' AND EXISTS (SELECT 1 FROM courier_letters l WHERE l.school = NEW.school AND l.id = NEW.letter AND l.exercise) THEN
        RAISE EXCEPTION 'courier: an exercise meets no carrier' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER courier_attempts_exercise BEFORE INSERT ON courier_attempts FOR EACH ROW EXECUTE FUNCTION courier_attempts_exercise();
-- +goose StatementBegin
CREATE FUNCTION courier_doors_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.lifted_at IS NOT NULL OR NEW.asked_at IS NOT NULL THEN
            RAISE EXCEPTION 'courier: it begins once, and is lifted by two' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    -- Who asked, when, and the lifting are all that ever changes.
    IF OLD.lifted_at IS NOT NULL
       OR to_jsonb(NEW) - '{asked_by,asked_at,lifted_by,lifted_at}'::text[] IS DISTINCT FROM to_jsonb(OLD) - '{asked_by,asked_at,lifted_by,lifted_at}'::text[]
       OR (NEW.lifted_at IS NOT NULL AND (NEW.asked_by <> OLD.asked_by OR OLD.asked_by = '')) THEN
        RAISE EXCEPTION 'courier: it begins once, and is lifted by two' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER courier_stops_guard BEFORE INSERT OR UPDATE ON courier_stops FOR EACH ROW EXECUTE FUNCTION courier_doors_guard();
CREATE TRIGGER courier_stops_delete BEFORE DELETE ON courier_stops FOR EACH ROW EXECUTE FUNCTION database_refuse('courier: stops are never deleted');
CREATE TRIGGER courier_stops_truncate BEFORE TRUNCATE ON courier_stops EXECUTE FUNCTION database_refuse('courier: stops are never deleted');
CREATE TRIGGER courier_locks_guard BEFORE INSERT OR UPDATE ON courier_locks FOR EACH ROW EXECUTE FUNCTION courier_doors_guard();
CREATE TRIGGER courier_locks_delete BEFORE DELETE ON courier_locks FOR EACH ROW EXECUTE FUNCTION database_refuse('courier: locks are never deleted');
CREATE TRIGGER courier_locks_truncate BEFORE TRUNCATE ON courier_locks EXECUTE FUNCTION database_refuse('courier: locks are never deleted');
