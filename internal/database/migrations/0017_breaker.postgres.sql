-- +goose Up
-- When the page that saved a roll was opened: a sign, and nothing that is trusted.
ALTER TABLE attendance_rolls ADD COLUMN opened_at TIMESTAMP;

-- What struck about a morning, and what is held because of it: a roll, or the school.
CREATE TABLE alert_trips (
    school   TEXT NOT NULL REFERENCES database_schools (id),
    id       TEXT NOT NULL,
    day      TEXT NOT NULL,
    sitting  TEXT NOT NULL,                 -- empty: the whole school
    sign     TEXT NOT NULL CHECK (sign IN ('part', 'rate', 'whole', 'fast', 'rolls', 'hand', 'here')),
    seen     INTEGER NOT NULL,
    most     INTEGER NOT NULL,
    at       TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    ended_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (school, id),
    CHECK ((ended_at IS NULL) = (ended_by = ''))
);
CREATE UNIQUE INDEX alert_trips_open ON alert_trips (school, day, sitting, sign) WHERE ended_at IS NULL;

-- What one person asks a second one about what is held.
CREATE TABLE alert_requests (
    school   TEXT NOT NULL REFERENCES database_schools (id),
    id       TEXT NOT NULL,
    day      TEXT NOT NULL,
    sitting  TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at TIMESTAMP NOT NULL,
    shown    TEXT NOT NULL,                 -- digest of exactly what was held
    drawn    TEXT NOT NULL,
    tries    INTEGER NOT NULL DEFAULT 0,
    outcome  TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'released', 'changed', 'wrong')),
    ended_at TIMESTAMP,
    ended_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (school, id),
    CHECK (ended_by <> asked_by OR outcome <> 'released'),
    CHECK ((outcome = '') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX alert_requests_open ON alert_requests (school, day, sitting) WHERE ended_at IS NULL;

-- +goose StatementBegin
CREATE FUNCTION alert_trips_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A trip ends only where a second person released its scope, or the whole school's.
    IF TG_OP = 'INSERT' AND NEW.ended_at IS NULL THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' OR OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL
       OR (NEW.school, NEW.id, NEW.day, NEW.sitting, NEW.sign, NEW.seen, NEW.most, NEW.at) IS DISTINCT FROM (OLD.school, OLD.id, OLD.day, OLD.sitting, OLD.sign, OLD.seen, OLD.most, OLD.at)
       OR NOT EXISTS (SELECT 1 FROM alert_requests q WHERE q.school = OLD.school AND q.day = OLD.day AND q.sitting IN ('', OLD.sitting) AND q.outcome = 'released' AND q.ended_at = NEW.ended_at AND q.ended_by = NEW.ended_by) THEN
        RAISE EXCEPTION 'alert: a trip begins once, and ends by a release' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_trips_guard BEFORE INSERT OR UPDATE ON alert_trips FOR EACH ROW EXECUTE FUNCTION alert_trips_guard();
CREATE TRIGGER alert_trips_delete BEFORE DELETE ON alert_trips FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: trips are never deleted');
CREATE TRIGGER alert_trips_truncate BEFORE TRUNCATE ON alert_trips EXECUTE FUNCTION database_refuse('alert: trips are never deleted');
-- +goose StatementBegin
CREATE FUNCTION alert_requests_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.ended_at IS NOT NULL OR NEW.outcome <> '' OR NEW.tries <> 0 THEN
            RAISE EXCEPTION 'alert: a request is answered once, by a second person' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.ended_at IS NOT NULL OR NEW.tries < OLD.tries
       OR (NEW.school, NEW.id, NEW.day, NEW.sitting, NEW.asked_by, NEW.asked_at, NEW.shown, NEW.drawn) IS DISTINCT FROM (OLD.school, OLD.id, OLD.day, OLD.sitting, OLD.asked_by, OLD.asked_at, OLD.shown, OLD.drawn) THEN
        RAISE EXCEPTION 'alert: a request is answered once, by a second person' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_requests_guard BEFORE INSERT OR UPDATE ON alert_requests FOR EACH ROW EXECUTE FUNCTION alert_requests_guard();
CREATE TRIGGER alert_requests_delete BEFORE DELETE ON alert_requests FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: requests are never deleted');
CREATE TRIGGER alert_requests_truncate BEFORE TRUNCATE ON alert_requests EXECUTE FUNCTION database_refuse('alert: requests are never deleted');
-- +goose StatementBegin
CREATE FUNCTION alert_episodes_tripped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM alert_trips t WHERE t.school = NEW.school AND t.ended_at IS NULL AND t.sitting IN ('', NEW.sitting) AND t.day = substr(NEW.half_day, 1, 10)) THEN
        RAISE EXCEPTION 'alert: the breaker holds it' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_episodes_tripped BEFORE UPDATE OF state ON alert_episodes FOR EACH ROW WHEN (NEW.state = 'told' AND OLD.state <> 'told') EXECUTE FUNCTION alert_episodes_tripped();
