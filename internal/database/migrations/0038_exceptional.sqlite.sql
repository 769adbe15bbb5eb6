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
CREATE TRIGGER alert_exceptional_new BEFORE INSERT ON alert_exceptional
WHEN NEW.closed_at IS NOT NULL OR EXISTS (SELECT 1 FROM alert_exceptional WHERE rowid = NEW.rowid OR (school = NEW.school AND day = NEW.day))
BEGIN SELECT RAISE(ABORT, 'alert: an exceptional day is opened once, and closed once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_exceptional_forward BEFORE UPDATE ON alert_exceptional
WHEN OLD.closed_at IS NOT NULL OR NEW.closed_at IS NULL OR NEW.rowid IS NOT OLD.rowid OR NEW.school IS NOT OLD.school OR NEW.day IS NOT OLD.day OR NEW.reason IS NOT OLD.reason
  OR NEW.opened_by IS NOT OLD.opened_by OR NEW.opened_at IS NOT OLD.opened_at
BEGIN SELECT RAISE(ABORT, 'alert: an exceptional day is opened once, and closed once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_exceptional_delete BEFORE DELETE ON alert_exceptional
BEGIN SELECT RAISE(ABORT, 'alert: exceptional days are never deleted'); END;
-- +goose StatementEnd

-- Nobody is told of an absence of such a day, whoever asks: neither is an episode, nor is a
-- letter about it written, nor does one that was written before begin to leave.
-- +goose StatementBegin
CREATE TRIGGER alert_episodes_exceptional BEFORE UPDATE OF state ON alert_episodes
WHEN NEW.state = 'told' AND OLD.state <> 'told' AND EXISTS (SELECT 1 FROM alert_exceptional x WHERE x.school = NEW.school AND x.day = substr(NEW.half_day, 1, 10))
BEGIN SELECT RAISE(ABORT, 'alert: nobody is told of an absence of an exceptional day'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_letters_exceptional BEFORE INSERT ON alert_letters
WHEN NEW.kind = 'absence' AND EXISTS (SELECT 1 FROM alert_episodes e JOIN alert_exceptional x ON x.school = e.school AND x.day = substr(e.half_day, 1, 10) WHERE e.school = NEW.school AND e.id = NEW.episode)
BEGIN SELECT RAISE(ABORT, 'alert: nobody is told of an absence of an exceptional day'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_leaving_exceptional BEFORE UPDATE OF state ON courier_letters
WHEN NEW.state = 'leaving' AND OLD.state <> 'leaving' AND NEW.kind = 'absence'
  AND EXISTS (SELECT 1 FROM alert_letters w JOIN alert_episodes e ON e.school = w.school AND e.id = w.episode JOIN alert_exceptional x ON x.school = e.school AND x.day = substr(e.half_day, 1, 10) WHERE w.school = NEW.school AND w.letter = NEW.id)
BEGIN SELECT RAISE(ABORT, 'alert: nobody is told of an absence of an exceptional day'); END;
-- +goose StatementEnd
