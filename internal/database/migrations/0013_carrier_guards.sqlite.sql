-- +goose Up
-- A letter said to be unheard may still be heard of, either way.
-- +goose StatementBegin
DROP TRIGGER courier_letters_forward;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_forward BEFORE UPDATE OF state ON courier_letters
WHEN OLD.state <> NEW.state AND NOT (
     (OLD.state = 'waiting' AND NEW.state IN ('leaving', 'void', 'refused'))
  OR (OLD.state = 'leaving' AND NEW.state IN ('left', 'refused', 'unsure', 'void'))
  OR (OLD.state = 'leaving' AND NEW.state = 'waiting' AND EXISTS (SELECT 1 FROM courier_attempts a WHERE a.school = OLD.school AND a.letter = OLD.id
      AND a.n = OLD.attempts AND a.outcome IN ('later', 'not_written')))
  OR (OLD.state = 'unsure'  AND NEW.state IN ('left', 'delivered', 'refused', 'unheard'))
  OR (OLD.state = 'unsure'  AND NEW.state = 'leaving' AND OLD.channel = 'email' AND OLD.attempts = 1)
  OR (OLD.state = 'left'    AND NEW.state IN ('delivered', 'unheard', 'refused'))
  OR (OLD.state = 'unheard' AND NEW.state IN ('delivered', 'refused')))
BEGIN SELECT RAISE(ABORT, 'courier: a state only moves forward'); END;
-- +goose StatementEnd
-- +goose StatementBegin
DROP TRIGGER courier_attempts_settled;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_attempts_settled BEFORE UPDATE ON courier_attempts
WHEN OLD.outcome <> '' OR NEW.school IS NOT OLD.school OR NEW.letter IS NOT OLD.letter OR NEW.n IS NOT OLD.n
  OR NEW.instance IS NOT OLD.instance OR NEW.carrier IS NOT OLD.carrier OR NEW.started_at IS NOT OLD.started_at
  OR NEW.provider IS NOT OLD.provider OR NEW.address IS NOT OLD.address OR NEW.reference IS NOT OLD.reference
BEGIN SELECT RAISE(ABORT, 'courier: an attempt has one outcome'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_parts_new BEFORE INSERT ON courier_parts
WHEN EXISTS (SELECT 1 FROM courier_parts WHERE rowid = NEW.rowid)
  OR EXISTS (SELECT 1 FROM courier_parts WHERE school = NEW.school AND letter = NEW.letter AND attempt = NEW.attempt AND n = NEW.n)
BEGIN SELECT RAISE(ABORT, 'courier: a part is added once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_parts_settled BEFORE UPDATE ON courier_parts
WHEN OLD.fate <> '' OR NEW.school IS NOT OLD.school OR NEW.letter IS NOT OLD.letter OR NEW.attempt IS NOT OLD.attempt OR NEW.n IS NOT OLD.n
  OR NEW.provider IS NOT OLD.provider OR NEW.key IS NOT OLD.key OR NEW.address IS NOT OLD.address
BEGIN SELECT RAISE(ABORT, 'courier: a part has one fate'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_parts_delete BEFORE DELETE ON courier_parts
BEGIN SELECT RAISE(ABORT, 'courier: parts are never deleted'); END;
-- +goose StatementEnd
