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
CREATE TRIGGER alert_corrections_new BEFORE INSERT ON alert_corrections
WHEN NEW.done_at IS NOT NULL OR EXISTS (SELECT 1 FROM alert_corrections WHERE rowid = NEW.rowid OR (school = NEW.school AND id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'alert: a correction is pressed once, and is done once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_corrections_done BEFORE UPDATE ON alert_corrections
WHEN OLD.done_at IS NOT NULL OR NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.half_day IS NOT OLD.half_day OR NEW.sitting IS NOT OLD.sitting
  OR NEW.by IS NOT OLD.by OR NEW.at IS NOT OLD.at OR NEW.pupils IS NOT OLD.pupils
BEGIN SELECT RAISE(ABORT, 'alert: a correction is pressed once, and is done once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_corrections_delete BEFORE DELETE ON alert_corrections
BEGIN SELECT RAISE(ABORT, 'alert: corrections are never deleted'); END;
-- +goose StatementEnd
