-- +goose Up
-- A rehearsal: the whole path, and its letters go to the pretended carrier. A school is put
-- in service for the first time after one that was found right.
CREATE TABLE alert_rehearsals (
    school     TEXT NOT NULL REFERENCES database_schools (id),
    id         TEXT NOT NULL,
    started_by TEXT NOT NULL,               -- person
    started_at TIMESTAMP NOT NULL,
    ended_by   TEXT NOT NULL DEFAULT '',
    ended_at   TIMESTAMP,
    outcome    TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'ready', 'stopped')),
    days       INTEGER NOT NULL DEFAULT 0,  -- on which rolls were called and looked at
    wrong      INTEGER NOT NULL DEFAULT 0,  -- families who would have been told wrongly
    missed     INTEGER NOT NULL DEFAULT 0,  -- and those who would not have been told
    PRIMARY KEY (school, id),
    CHECK ((outcome = '') = (ended_at IS NULL) AND (outcome = '') = (ended_by = '')),
    CHECK (outcome <> 'ready' OR days >= 5)
);
CREATE UNIQUE INDEX alert_rehearsals_open ON alert_rehearsals (school) WHERE ended_at IS NULL;

-- What the office says of a day of a rehearsal. The last word about a day holds.
CREATE TABLE alert_verdicts (
    school    TEXT NOT NULL,
    rehearsal TEXT NOT NULL,
    day       TEXT NOT NULL,
    n         INTEGER NOT NULL,
    wrong     TEXT NOT NULL,                -- episodes, a space between
    missed    INTEGER NOT NULL CHECK (missed BETWEEN 0 AND 100000),
    by        TEXT NOT NULL,                -- person
    at        TIMESTAMP NOT NULL,
    PRIMARY KEY (school, rehearsal, day, n),
    FOREIGN KEY (school, rehearsal) REFERENCES alert_rehearsals (school, id)
);

-- A service is kept by a human act; empty: nobody has yet.
ALTER TABLE alert_services ADD COLUMN kept_until TEXT NOT NULL DEFAULT '';
ALTER TABLE alert_services ADD COLUMN kept_by TEXT NOT NULL DEFAULT '';
ALTER TABLE alert_services ADD COLUMN kept_at TIMESTAMP;
CREATE UNIQUE INDEX alert_services_running ON alert_services (school) WHERE opened_at IS NOT NULL AND closed_at IS NULL;
CREATE UNIQUE INDEX alert_services_asked ON alert_services (school) WHERE opened_at IS NULL AND closed_at IS NULL;

-- +goose StatementBegin
CREATE FUNCTION alert_rehearsals_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.ended_at IS NOT NULL THEN
            RAISE EXCEPTION 'alert: a rehearsal begins once, and ends by a decision' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.ended_at IS NOT NULL OR (NEW.school, NEW.id, NEW.started_by, NEW.started_at) IS DISTINCT FROM (OLD.school, OLD.id, OLD.started_by, OLD.started_at) THEN
        RAISE EXCEPTION 'alert: a rehearsal begins once, and ends by a decision' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.outcome = 'ready' AND NEW.days > (SELECT count(DISTINCT day) FROM alert_verdicts v WHERE v.school = NEW.school AND v.rehearsal = NEW.id) THEN
        RAISE EXCEPTION 'alert: somebody looks at each day of a rehearsal' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_rehearsals_guard BEFORE INSERT OR UPDATE ON alert_rehearsals FOR EACH ROW EXECUTE FUNCTION alert_rehearsals_guard();
CREATE TRIGGER alert_rehearsals_delete BEFORE DELETE ON alert_rehearsals FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: rehearsals are never deleted');
CREATE TRIGGER alert_rehearsals_truncate BEFORE TRUNCATE ON alert_rehearsals EXECUTE FUNCTION database_refuse('alert: rehearsals are never deleted');
-- +goose StatementBegin
CREATE FUNCTION alert_verdicts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM alert_rehearsals r WHERE r.school = NEW.school AND r.id = NEW.rehearsal AND r.ended_at IS NULL) THEN
        RAISE EXCEPTION 'alert: the office speaks of a rehearsal while it lasts' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_verdicts_guard BEFORE INSERT ON alert_verdicts FOR EACH ROW EXECUTE FUNCTION alert_verdicts_guard();
CREATE TRIGGER alert_verdicts_update BEFORE UPDATE ON alert_verdicts FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: what the office said stays');
CREATE TRIGGER alert_verdicts_delete BEFORE DELETE ON alert_verdicts FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: what the office said stays');
CREATE TRIGGER alert_verdicts_truncate BEFORE TRUNCATE ON alert_verdicts EXECUTE FUNCTION database_refuse('alert: what the office said stays');
-- +goose StatementBegin
CREATE FUNCTION alert_services_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.opened_at IS NOT NULL OR NEW.opened_by <> '' OR NEW.closed_at IS NOT NULL OR NEW.kept_until <> '' THEN
            RAISE EXCEPTION 'alert: a service is asked for by one, and opened by another' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.closed_at IS NOT NULL
       OR (NEW.school, NEW.id, NEW.asked_by, NEW.asked_role, NEW.asked_at, NEW.until_on) IS DISTINCT FROM (OLD.school, OLD.id, OLD.asked_by, OLD.asked_role, OLD.asked_at, OLD.until_on)
       OR (OLD.opened_at IS NOT NULL AND (NEW.opened_at, NEW.opened_by) IS DISTINCT FROM (OLD.opened_at, OLD.opened_by))
       OR (NEW.opened_at IS NOT NULL AND NEW.opened_by IN ('', NEW.asked_by))
       OR NEW.kept_until < OLD.kept_until OR NEW.kept_until > NEW.until_on OR (NEW.kept_until <> '' AND (NEW.opened_at IS NULL OR NEW.kept_by = '')) THEN
        RAISE EXCEPTION 'alert: a service is asked for by one, and opened by another' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.opened_at IS NULL AND NEW.opened_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM alert_rehearsals r WHERE r.school = NEW.school AND r.outcome = 'ready')
       AND NOT EXISTS (SELECT 1 FROM alert_services v WHERE v.school = NEW.school AND v.id <> NEW.id AND v.opened_at IS NOT NULL) THEN
        RAISE EXCEPTION 'alert: a school rehearses before it is in service' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_services_guard BEFORE INSERT OR UPDATE ON alert_services FOR EACH ROW EXECUTE FUNCTION alert_services_guard();
CREATE TRIGGER alert_services_delete BEFORE DELETE ON alert_services FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: services are never deleted');
CREATE TRIGGER alert_services_truncate BEFORE TRUNCATE ON alert_services EXECUTE FUNCTION database_refuse('alert: services are never deleted');

-- A day of grace: a school's day is not UTC's. The rule is exact, this is its wall.
-- +goose StatementBegin
CREATE FUNCTION alert_letters_service() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind = 'absence' AND EXISTS (SELECT 1 FROM courier_letters l WHERE l.school = NEW.school AND l.id = NEW.letter AND NOT l.exercise
       AND NOT EXISTS (SELECT 1 FROM alert_services v WHERE v.school = NEW.school AND v.opened_at IS NOT NULL AND v.closed_at IS NULL
           AND v.kept_until >= to_char(l.created_at - interval '1 day', 'YYYY-MM-DD'))) THEN
        RAISE EXCEPTION 'alert: a school that is not in service tells nobody' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.answers IS NOT NULL AND (SELECT exercise FROM courier_letters WHERE school = NEW.school AND id = NEW.letter)
       IS DISTINCT FROM (SELECT exercise FROM courier_letters WHERE school = NEW.school AND id = NEW.answers) THEN
        RAISE EXCEPTION 'alert: an exercise is followed by an exercise' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
ALTER FUNCTION alert_letters_service() SET plan_cache_mode = force_custom_plan;
CREATE TRIGGER alert_letters_service BEFORE INSERT ON alert_letters FOR EACH ROW EXECUTE FUNCTION alert_letters_service();
