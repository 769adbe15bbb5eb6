-- +goose Up
-- A row keeps its place. On SQLite an UPDATE OR REPLACE of the rowid alone would put one row
-- in the place of another, which is then gone without having been deleted: no other guard
-- sees it where recursive_triggers is off, and any connection may turn it off.
-- +goose StatementBegin
CREATE TRIGGER alert_answers_place BEFORE UPDATE ON alert_answers
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'alert: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_calls_place BEFORE UPDATE ON alert_calls
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'alert: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_corrections_place BEFORE UPDATE ON alert_corrections
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'alert: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_decisions_place BEFORE UPDATE ON alert_decisions
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'alert: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_episodes_place BEFORE UPDATE ON alert_episodes
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'alert: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_letters_place BEFORE UPDATE ON alert_letters
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'alert: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_rehearsals_place BEFORE UPDATE ON alert_rehearsals
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'alert: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_requests_place BEFORE UPDATE ON alert_requests
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'alert: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_services_place BEFORE UPDATE ON alert_services
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'alert: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_trips_place BEFORE UPDATE ON alert_trips
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'alert: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_verdicts_place BEFORE UPDATE ON alert_verdicts
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'alert: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attendance_marks_place BEFORE UPDATE ON attendance_marks
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'attendance: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_attempts_place BEFORE UPDATE ON courier_attempts
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'courier: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_place BEFORE UPDATE ON courier_letters
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'courier: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_locks_place BEFORE UPDATE ON courier_locks
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'courier: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_parts_place BEFORE UPDATE ON courier_parts
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'courier: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_relay_parts_place BEFORE UPDATE ON courier_relay_parts
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'courier: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_relays_place BEFORE UPDATE ON courier_relays
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'courier: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_stops_place BEFORE UPDATE ON courier_stops
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'courier: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_contacts_place BEFORE UPDATE ON directory_contacts
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'directory: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_decisions_place BEFORE UPDATE ON directory_decisions
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'directory: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_objections_place BEFORE UPDATE ON directory_objections
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'directory: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_tombstones_place BEFORE UPDATE ON directory_tombstones
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'directory: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER guard_messages_place BEFORE UPDATE ON guard_messages
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'guard: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER guard_parts_place BEFORE UPDATE ON guard_parts
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'guard: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER guard_trips_place BEFORE UPDATE ON guard_trips
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'guard: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_lines_place BEFORE UPDATE ON journal_lines
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'journal: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_letters_place BEFORE UPDATE ON notices_letters
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'notices: a row keeps its place'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_requests_place BEFORE UPDATE ON notices_requests
WHEN NEW.rowid IS NOT OLD.rowid
BEGIN SELECT RAISE(ABORT, 'notices: a row keeps its place'); END;
-- +goose StatementEnd

-- A telephone row is opened once and keeps why: one that is there already stays (the program
-- opens it without looking, so nothing is refused). Parts of messages are kept.
-- +goose StatementBegin
CREATE TRIGGER alert_calls_new BEFORE INSERT ON alert_calls
WHEN EXISTS (SELECT 1 FROM alert_calls WHERE rowid = NEW.rowid OR (school = NEW.school AND (id = NEW.id OR (episode = NEW.episode AND adult = NEW.adult))))
BEGIN SELECT RAISE(IGNORE); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_calls_words BEFORE UPDATE ON alert_calls
WHEN NEW.because IS NOT OLD.because OR NEW.opened_at IS NOT OLD.opened_at
BEGIN SELECT RAISE(ABORT, 'alert: a telephone row is opened once, and keeps why'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER guard_parts_delete BEFORE DELETE ON guard_parts
BEGIN SELECT RAISE(ABORT, 'guard: parts are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_relay_parts_delete BEFORE DELETE ON courier_relay_parts
BEGIN SELECT RAISE(ABORT, 'courier: parts are never deleted'); END;
-- +goose StatementEnd

-- What the breaker holds is let go after its trip has ended, which two persons do.
-- +goose StatementBegin
CREATE TRIGGER alert_trips_holding BEFORE UPDATE OF held_by ON courier_letters
WHEN OLD.held_by <> '' AND NEW.held_by IS NOT OLD.held_by
  AND EXISTS (SELECT 1 FROM alert_trips t WHERE t.school = OLD.school AND t.ended_at IS NULL AND OLD.held_by = 'breaker/' || t.day || '/' || t.sitting)
BEGIN SELECT RAISE(ABORT, 'alert: the breaker holds it'); END;
-- +goose StatementEnd

-- An SMS is tried again only after what is known not to have been taken; and an attempt is
-- counted when a letter begins to leave, at no other moment.
-- +goose StatementBegin
CREATE TRIGGER courier_attempts_once BEFORE INSERT ON courier_attempts
WHEN (SELECT channel FROM courier_letters WHERE school = NEW.school AND id = NEW.letter) = 'sms'
  AND EXISTS (SELECT 1 FROM courier_attempts a WHERE a.school = NEW.school AND a.letter = NEW.letter AND a.outcome NOT IN ('later', 'not_written'))
BEGIN SELECT RAISE(ABORT, 'courier: an SMS leaves once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_counted BEFORE UPDATE OF attempts ON courier_letters
WHEN NEW.attempts <> OLD.attempts AND OLD.state = 'leaving'
BEGIN SELECT RAISE(ABORT, 'courier: leaving is one attempt more'); END;
-- +goose StatementEnd
