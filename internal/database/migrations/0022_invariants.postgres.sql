-- +goose Up
-- A telephone row keeps why it was opened; parts of messages are kept.
-- +goose StatementBegin
CREATE FUNCTION alert_calls_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.because, NEW.opened_at) IS DISTINCT FROM (OLD.because, OLD.opened_at) THEN
        RAISE EXCEPTION 'alert: a telephone row is opened once, and keeps why' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_calls_words BEFORE UPDATE ON alert_calls FOR EACH ROW EXECUTE FUNCTION alert_calls_words();
CREATE TRIGGER guard_parts_delete BEFORE DELETE ON guard_parts FOR EACH ROW EXECUTE FUNCTION database_refuse('guard: parts are never deleted');
CREATE TRIGGER guard_parts_truncate BEFORE TRUNCATE ON guard_parts EXECUTE FUNCTION database_refuse('guard: parts are never deleted');
CREATE TRIGGER courier_relay_parts_delete BEFORE DELETE ON courier_relay_parts FOR EACH ROW EXECUTE FUNCTION database_refuse('courier: parts are never deleted');
CREATE TRIGGER courier_relay_parts_truncate BEFORE TRUNCATE ON courier_relay_parts EXECUTE FUNCTION database_refuse('courier: parts are never deleted');

-- What the breaker holds is let go after its trip has ended, which two persons do.
-- +goose StatementBegin
CREATE FUNCTION alert_trips_holding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.held_by <> '' AND NEW.held_by IS DISTINCT FROM OLD.held_by
       AND EXISTS (SELECT 1 FROM alert_trips t WHERE t.school = OLD.school AND t.ended_at IS NULL AND OLD.held_by = 'breaker/' || t.day || '/' || t.sitting) THEN
        RAISE EXCEPTION 'alert: the breaker holds it' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_trips_holding BEFORE UPDATE OF held_by ON courier_letters FOR EACH ROW EXECUTE FUNCTION alert_trips_holding();

-- An SMS is tried again only after what is known not to have been taken; and an attempt is
-- counted when a letter begins to leave, at no other moment.
-- +goose StatementBegin
CREATE FUNCTION courier_attempts_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT channel FROM courier_letters WHERE school = NEW.school AND id = NEW.letter) = 'sms'
       AND EXISTS (SELECT 1 FROM courier_attempts a WHERE a.school = NEW.school AND a.letter = NEW.letter AND a.outcome NOT IN ('later', 'not_written')) THEN
        RAISE EXCEPTION 'courier: an SMS leaves once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER courier_attempts_once BEFORE INSERT ON courier_attempts FOR EACH ROW EXECUTE FUNCTION courier_attempts_once();
CREATE TRIGGER courier_letters_counted BEFORE UPDATE ON courier_letters FOR EACH ROW WHEN (NEW.attempts <> OLD.attempts AND OLD.state = 'leaving') EXECUTE FUNCTION database_refuse('courier: leaving is one attempt more');
