-- +goose Up
-- A telephone row that the program closed because a message would follow is open again when
-- none did: what a person answered stays.
DROP TRIGGER alert_calls_closed;
-- +goose StatementBegin
CREATE TRIGGER alert_calls_closed BEFORE UPDATE ON alert_calls
WHEN (OLD.outcome <> '' AND NOT (OLD.outcome = 'not_needed' AND NEW.outcome = '' AND NEW.closed_by = ''))
  OR NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.episode IS NOT OLD.episode OR NEW.adult IS NOT OLD.adult OR NEW.pupil IS NOT OLD.pupil
BEGIN SELECT RAISE(ABORT, 'alert: a telephone row is closed once, by an outcome'); END;
-- +goose StatementEnd
