-- +goose Up
-- A telephone row that the program closed because a message would follow is open again when
-- none did: what a person answered stays.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION alert_calls_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.outcome <> '' AND NOT (OLD.outcome = 'not_needed' AND NEW.outcome = '' AND NEW.closed_by = ''))
       OR (NEW.school, NEW.id, NEW.episode, NEW.adult, NEW.pupil) IS DISTINCT FROM (OLD.school, OLD.id, OLD.episode, OLD.adult, OLD.pupil) THEN
        RAISE EXCEPTION 'alert: a telephone row is closed once, by an outcome' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
