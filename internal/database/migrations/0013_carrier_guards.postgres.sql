-- +goose Up
-- A letter said to be unheard may still be heard of, either way.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION courier_letters_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'waiting' OR NEW.attempts <> 0 OR NEW.leaving_at IS NOT NULL OR NEW.because <> '' THEN
            RAISE EXCEPTION 'courier: a letter begins waiting, once' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.school, NEW.id, NEW.code, NEW.kind, NEW.ref, NEW.pupil, NEW.person, NEW.contact, NEW.channel, NEW.digest, NEW.message_id, NEW.created_at, NEW.expires_at)
       IS DISTINCT FROM
       (OLD.school, OLD.id, OLD.code, OLD.kind, OLD.ref, OLD.pupil, OLD.person, OLD.contact, OLD.channel, OLD.digest, OLD.message_id, OLD.created_at, OLD.expires_at)
       OR (NEW.body IS DISTINCT FROM OLD.body AND (NEW.body <> '' OR OLD.state IN ('waiting', 'leaving')))
       OR (NEW.subject IS DISTINCT FROM OLD.subject AND (NEW.subject <> '' OR OLD.state IN ('waiting', 'leaving'))) THEN
        RAISE EXCEPTION 'courier: a letter keeps its words and its recipient' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state <> NEW.state AND NOT (
           (OLD.state = 'waiting' AND NEW.state IN ('leaving', 'void', 'refused'))
        OR (OLD.state = 'leaving' AND NEW.state IN ('left', 'refused', 'unsure', 'void'))
        OR (OLD.state = 'leaving' AND NEW.state = 'waiting' AND EXISTS (SELECT 1 FROM courier_attempts a WHERE a.school = OLD.school AND a.letter = OLD.id
            AND a.n = OLD.attempts AND a.outcome IN ('later', 'not_written')))
        OR (OLD.state = 'unsure'  AND NEW.state IN ('left', 'delivered', 'refused', 'unheard'))
        OR (OLD.state = 'unsure'  AND NEW.state = 'leaving' AND OLD.channel = 'email' AND OLD.attempts = 1)
        OR (OLD.state = 'left'    AND NEW.state IN ('delivered', 'unheard', 'refused'))
        OR (OLD.state = 'unheard' AND NEW.state IN ('delivered', 'refused'))) THEN
        RAISE EXCEPTION 'courier: a state only moves forward' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.attempts < OLD.attempts OR NEW.attempts > OLD.attempts + 1
       OR (NEW.attempts <> OLD.attempts AND NEW.state <> 'leaving')
       OR (OLD.state <> 'leaving' AND NEW.state = 'leaving' AND NEW.attempts <> OLD.attempts + 1) THEN
        RAISE EXCEPTION 'courier: leaving is one attempt more' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION courier_attempts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.outcome <> '' OR NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM courier_attempts WHERE school = NEW.school AND letter = NEW.letter) THEN
            RAISE EXCEPTION 'courier: an attempt begins without an outcome, in order' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF OLD.outcome <> '' OR (NEW.school, NEW.letter, NEW.n, NEW.instance, NEW.carrier, NEW.started_at, NEW.provider, NEW.address, NEW.reference)
          IS DISTINCT FROM (OLD.school, OLD.letter, OLD.n, OLD.instance, OLD.carrier, OLD.started_at, OLD.provider, OLD.address, OLD.reference) THEN
        RAISE EXCEPTION 'courier: an attempt has one outcome' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION courier_parts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.fate <> '' OR (NEW.school, NEW.letter, NEW.attempt, NEW.n, NEW.provider, NEW.key, NEW.address)
       IS DISTINCT FROM (OLD.school, OLD.letter, OLD.attempt, OLD.n, OLD.provider, OLD.key, OLD.address) THEN
        RAISE EXCEPTION 'courier: a part has one fate' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER courier_parts_settled BEFORE UPDATE ON courier_parts FOR EACH ROW EXECUTE FUNCTION courier_parts_guard();
CREATE TRIGGER courier_parts_delete BEFORE DELETE ON courier_parts FOR EACH ROW EXECUTE FUNCTION database_refuse('courier: parts are never deleted');
CREATE TRIGGER courier_parts_truncate BEFORE TRUNCATE ON courier_parts EXECUTE FUNCTION database_refuse('courier: parts are never deleted');

-- A session makes the plan of a guard's question once, perhaps while the table is small,
-- and keeps it; and the greatest number of a school was found by reading all of them
-- until the table had been analysed. A morning took seconds longer for it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION journal_lines_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq <> 1 + coalesce((SELECT seq FROM journal_lines WHERE school = NEW.school AND year = NEW.year ORDER BY school DESC, year DESC, seq DESC LIMIT 1), 0) THEN
        RAISE EXCEPTION 'journal: a line follows the last one' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION attendance_marks_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.n <> 1 + coalesce((SELECT n FROM attendance_marks WHERE school = NEW.school ORDER BY school DESC, n DESC LIMIT 1), 0) THEN
        RAISE EXCEPTION 'attendance: marks are numbered without a gap' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
ALTER FUNCTION journal_lines_order() SET enable_seqscan = off;
ALTER FUNCTION attendance_marks_order() SET enable_seqscan = off;
ALTER FUNCTION alert_episodes_guard() SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION alert_letters_guard() SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION alert_answers_guard() SET plan_cache_mode = force_custom_plan;
