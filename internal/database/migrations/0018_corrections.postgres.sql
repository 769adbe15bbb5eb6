-- +goose Up
-- One press: what was said of a roll, or of a half-day, was a mistake.
CREATE TABLE alert_corrections (
    school   TEXT NOT NULL REFERENCES database_schools (id),
    id       TEXT NOT NULL,
    half_day TEXT NOT NULL,
    sitting  TEXT NOT NULL,                 -- empty: everything of the half-day
    by       TEXT NOT NULL,                 -- person
    at       TIMESTAMP NOT NULL,
    pupils   INTEGER NOT NULL,              -- as many as the button said
    done_at  TIMESTAMP,
    PRIMARY KEY (school, id)
);
CREATE INDEX alert_corrections_open ON alert_corrections (school) WHERE done_at IS NULL;
CREATE INDEX alert_corrections_day ON alert_corrections (school, half_day);

-- +goose StatementBegin
CREATE FUNCTION alert_corrections_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.done_at IS NULL THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' OR OLD.done_at IS NOT NULL OR (NEW.school, NEW.id, NEW.half_day, NEW.sitting, NEW."by", NEW.at, NEW.pupils) IS DISTINCT FROM (OLD.school, OLD.id, OLD.half_day, OLD.sitting, OLD."by", OLD.at, OLD.pupils) THEN
        RAISE EXCEPTION 'alert: a correction is pressed once, and is done once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_corrections_guard BEFORE INSERT OR UPDATE ON alert_corrections FOR EACH ROW EXECUTE FUNCTION alert_corrections_guard();
CREATE TRIGGER alert_corrections_delete BEFORE DELETE ON alert_corrections FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: corrections are never deleted');
CREATE TRIGGER alert_corrections_truncate BEFORE TRUNCATE ON alert_corrections EXECUTE FUNCTION database_refuse('alert: corrections are never deleted');
