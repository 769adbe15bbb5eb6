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
CREATE TRIGGER alert_trips_new BEFORE INSERT ON alert_trips
WHEN NEW.ended_at IS NOT NULL OR EXISTS (SELECT 1 FROM alert_trips WHERE rowid = NEW.rowid OR (school = NEW.school AND (id = NEW.id OR (day = NEW.day AND sitting = NEW.sitting AND sign = NEW.sign AND ended_at IS NULL))))
BEGIN SELECT RAISE(ABORT, 'alert: a trip begins once, and ends by a release'); END;
-- +goose StatementEnd
-- A trip ends only where a second person released its scope, or the whole school's.
-- +goose StatementBegin
CREATE TRIGGER alert_trips_forward BEFORE UPDATE ON alert_trips
WHEN OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL OR NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.day IS NOT OLD.day OR NEW.sitting IS NOT OLD.sitting
  OR NEW.sign IS NOT OLD.sign OR NEW.seen IS NOT OLD.seen OR NEW.most IS NOT OLD.most OR NEW.at IS NOT OLD.at
  OR NOT EXISTS (SELECT 1 FROM alert_requests q WHERE q.school = OLD.school AND q.day = OLD.day AND q.sitting IN ('', OLD.sitting) AND q.outcome = 'released' AND q.ended_at = NEW.ended_at AND q.ended_by = NEW.ended_by)
BEGIN SELECT RAISE(ABORT, 'alert: a trip begins once, and ends by a release'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_trips_delete BEFORE DELETE ON alert_trips
BEGIN SELECT RAISE(ABORT, 'alert: trips are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_requests_new BEFORE INSERT ON alert_requests
WHEN NEW.ended_at IS NOT NULL OR NEW.outcome <> '' OR NEW.tries <> 0 OR EXISTS (SELECT 1 FROM alert_requests WHERE rowid = NEW.rowid OR (school = NEW.school AND (id = NEW.id OR (day = NEW.day AND sitting = NEW.sitting AND ended_at IS NULL))))
BEGIN SELECT RAISE(ABORT, 'alert: a request is answered once, by a second person'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_requests_forward BEFORE UPDATE ON alert_requests
WHEN OLD.ended_at IS NOT NULL OR NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.day IS NOT OLD.day OR NEW.sitting IS NOT OLD.sitting OR NEW.asked_by IS NOT OLD.asked_by
  OR NEW.asked_at IS NOT OLD.asked_at OR NEW.shown IS NOT OLD.shown OR NEW.drawn IS NOT OLD.drawn OR NEW.tries < OLD.tries
BEGIN SELECT RAISE(ABORT, 'alert: a request is answered once, by a second person'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_requests_delete BEFORE DELETE ON alert_requests
BEGIN SELECT RAISE(ABORT, 'alert: requests are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_episodes_tripped BEFORE UPDATE OF state ON alert_episodes
WHEN NEW.state = 'told' AND OLD.state <> 'told' AND EXISTS (SELECT 1 FROM alert_trips t WHERE t.school = NEW.school AND t.ended_at IS NULL AND t.sitting IN ('', NEW.sitting) AND t.day = substr(NEW.half_day, 1, 10))
BEGIN SELECT RAISE(ABORT, 'alert: the breaker holds it'); END;
-- +goose StatementEnd
