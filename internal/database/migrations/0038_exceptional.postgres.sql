-- +goose Up
-- A day on which a school knows that families need no message: snow, a strike, a blockade.
-- Rolls are called; nobody is told of an absence of that day, also after it was closed.
CREATE TABLE alert_exceptional (
    school    TEXT NOT NULL REFERENCES database_schools (id),
    day       TEXT NOT NULL,
    reason    TEXT NOT NULL CHECK (reason IN ('snow', 'strike', 'blockade', 'other')),
    opened_by TEXT NOT NULL,                -- person
    opened_at TIMESTAMP NOT NULL,
    closed_by TEXT NOT NULL DEFAULT '',
    closed_at TIMESTAMP,
    PRIMARY KEY (school, day),
    CHECK (day LIKE '____-__-__' AND opened_by <> ''),
    CHECK ((closed_by = '') = (closed_at IS NULL))
);

-- +goose StatementBegin
CREATE FUNCTION alert_exceptional_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.closed_at IS NULL THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' OR OLD.closed_at IS NOT NULL OR NEW.closed_at IS NULL
       OR (NEW.school, NEW.day, NEW.reason, NEW.opened_by, NEW.opened_at) IS DISTINCT FROM (OLD.school, OLD.day, OLD.reason, OLD.opened_by, OLD.opened_at) THEN
        RAISE EXCEPTION 'alert: an exceptional day is opened once, and closed once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_exceptional_guard BEFORE INSERT OR UPDATE ON alert_exceptional FOR EACH ROW EXECUTE FUNCTION alert_exceptional_guard();
CREATE TRIGGER alert_exceptional_delete BEFORE DELETE ON alert_exceptional FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: exceptional days are never deleted');
CREATE TRIGGER alert_exceptional_truncate BEFORE TRUNCATE ON alert_exceptional EXECUTE FUNCTION database_refuse('alert: exceptional days are never deleted');

-- Nobody is told of an absence of such a day, whoever asks: neither is an episode, nor is a
-- letter about it written, nor does one that was written before begin to leave.
-- +goose StatementBegin
CREATE FUNCTION alert_episodes_exceptional() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM alert_exceptional x WHERE x.school = NEW.school AND x.day = substr(NEW.half_day, 1, 10)) THEN
        RAISE EXCEPTION 'alert: nobody is told of an absence of an exceptional day' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_episodes_exceptional BEFORE UPDATE OF state ON alert_episodes FOR EACH ROW WHEN (NEW.state = 'told' AND OLD.state <> 'told') EXECUTE FUNCTION alert_episodes_exceptional();
-- +goose StatementBegin
CREATE FUNCTION alert_letters_exceptional() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM alert_episodes e JOIN alert_exceptional x ON x.school = e.school AND x.day = substr(e.half_day, 1, 10) WHERE e.school = NEW.school AND e.id = NEW.episode) THEN
        RAISE EXCEPTION 'alert: nobody is told of an absence of an exceptional day' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_letters_exceptional BEFORE INSERT ON alert_letters FOR EACH ROW WHEN (NEW.kind = 'absence') EXECUTE FUNCTION alert_letters_exceptional();
-- +goose StatementBegin
CREATE FUNCTION alert_leaving_exceptional() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM alert_letters w JOIN alert_episodes e ON e.school = w.school AND e.id = w.episode JOIN alert_exceptional x ON x.school = e.school AND x.day = substr(e.half_day, 1, 10) WHERE w.school = NEW.school AND w.letter = NEW.id) THEN
        RAISE EXCEPTION 'alert: nobody is told of an absence of an exceptional day' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_leaving_exceptional BEFORE UPDATE OF state ON courier_letters FOR EACH ROW WHEN (NEW.state = 'leaving' AND OLD.state <> 'leaving' AND NEW.kind = 'absence') EXECUTE FUNCTION alert_leaving_exceptional();
