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
CREATE TRIGGER alert_rehearsals_new BEFORE INSERT ON alert_rehearsals
WHEN NEW.ended_at IS NOT NULL OR EXISTS (SELECT 1 FROM alert_rehearsals WHERE rowid = NEW.rowid OR (school = NEW.school AND (id = NEW.id OR ended_at IS NULL)))
BEGIN SELECT RAISE(ABORT, 'alert: a rehearsal begins once, and ends by a decision'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_rehearsals_forward BEFORE UPDATE ON alert_rehearsals
WHEN OLD.ended_at IS NOT NULL OR NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.started_by IS NOT OLD.started_by OR NEW.started_at IS NOT OLD.started_at
BEGIN SELECT RAISE(ABORT, 'alert: a rehearsal begins once, and ends by a decision'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_rehearsals_ready BEFORE UPDATE ON alert_rehearsals
WHEN NEW.outcome = 'ready' AND NEW.days > (SELECT count(DISTINCT day) FROM alert_verdicts v WHERE v.school = NEW.school AND v.rehearsal = NEW.id)
BEGIN SELECT RAISE(ABORT, 'alert: somebody looks at each day of a rehearsal'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_rehearsals_delete BEFORE DELETE ON alert_rehearsals
BEGIN SELECT RAISE(ABORT, 'alert: rehearsals are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_verdicts_new BEFORE INSERT ON alert_verdicts
WHEN EXISTS (SELECT 1 FROM alert_verdicts WHERE rowid = NEW.rowid OR (school = NEW.school AND rehearsal = NEW.rehearsal AND day = NEW.day AND n = NEW.n))
  OR NOT EXISTS (SELECT 1 FROM alert_rehearsals r WHERE r.school = NEW.school AND r.id = NEW.rehearsal AND r.ended_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'alert: the office speaks of a rehearsal while it lasts'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_verdicts_update BEFORE UPDATE ON alert_verdicts
BEGIN SELECT RAISE(ABORT, 'alert: what the office said stays'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_verdicts_delete BEFORE DELETE ON alert_verdicts
BEGIN SELECT RAISE(ABORT, 'alert: what the office said stays'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_services_new BEFORE INSERT ON alert_services
WHEN NEW.opened_at IS NOT NULL OR NEW.opened_by <> '' OR NEW.closed_at IS NOT NULL OR NEW.kept_until <> ''
  OR EXISTS (SELECT 1 FROM alert_services WHERE rowid = NEW.rowid OR (school = NEW.school AND (id = NEW.id OR (opened_at IS NULL AND closed_at IS NULL))))
BEGIN SELECT RAISE(ABORT, 'alert: a service is asked for by one, and opened by another'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_services_forward BEFORE UPDATE ON alert_services
WHEN OLD.closed_at IS NOT NULL OR NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.asked_by IS NOT OLD.asked_by OR NEW.asked_role IS NOT OLD.asked_role
  OR NEW.asked_at IS NOT OLD.asked_at OR NEW.until_on IS NOT OLD.until_on
  OR (OLD.opened_at IS NOT NULL AND (NEW.opened_at IS NOT OLD.opened_at OR NEW.opened_by IS NOT OLD.opened_by))
  OR (NEW.opened_at IS NOT NULL AND NEW.opened_by IN ('', NEW.asked_by))
  OR NEW.kept_until < OLD.kept_until OR NEW.kept_until > NEW.until_on OR (NEW.kept_until <> '' AND (NEW.opened_at IS NULL OR NEW.kept_by = ''))
BEGIN SELECT RAISE(ABORT, 'alert: a service is asked for by one, and opened by another'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_services_rehearsed BEFORE UPDATE ON alert_services
WHEN OLD.opened_at IS NULL AND NEW.opened_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM alert_rehearsals r WHERE r.school = NEW.school AND r.outcome = 'ready')
  AND NOT EXISTS (SELECT 1 FROM alert_services v WHERE v.school = NEW.school AND v.id <> NEW.id AND v.opened_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'alert: a school rehearses before it is in service'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_services_delete BEFORE DELETE ON alert_services
BEGIN SELECT RAISE(ABORT, 'alert: services are never deleted'); END;
-- +goose StatementEnd

-- A day of grace: a school's day is not UTC's. The rule is exact, this is its wall.
-- +goose StatementBegin
CREATE TRIGGER alert_letters_service BEFORE INSERT ON alert_letters
WHEN NEW.kind = 'absence' AND EXISTS (SELECT 1 FROM courier_letters l WHERE l.school = NEW.school AND l.id = NEW.letter AND NOT l.exercise
  AND NOT EXISTS (SELECT 1 FROM alert_services v WHERE v.school = NEW.school AND v.opened_at IS NOT NULL AND v.closed_at IS NULL AND v.kept_until >= date(substr(l.created_at, 1, 10), '-1 day')))
BEGIN SELECT RAISE(ABORT, 'alert: a school that is not in service tells nobody'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_letters_exercise BEFORE INSERT ON alert_letters
WHEN NEW.answers IS NOT NULL AND (SELECT exercise FROM courier_letters WHERE school = NEW.school AND id = NEW.letter) IS NOT (SELECT exercise FROM courier_letters WHERE school = NEW.school AND id = NEW.answers)
BEGIN SELECT RAISE(ABORT, 'alert: an exercise is followed by an exercise'); END;
-- +goose StatementEnd
