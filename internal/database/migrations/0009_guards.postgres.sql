-- +goose Up
-- Refusals that hold whoever writes the SQL, TRUNCATE included.

-- +goose StatementBegin
CREATE FUNCTION database_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION journal_lines_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq <> 1 + (SELECT coalesce(max(seq), 0) FROM journal_lines WHERE school = NEW.school AND year = NEW.year) THEN
        RAISE EXCEPTION 'journal: a line follows the last one' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER journal_lines_order BEFORE INSERT ON journal_lines FOR EACH ROW EXECUTE FUNCTION journal_lines_order();
CREATE TRIGGER journal_lines_update BEFORE UPDATE ON journal_lines FOR EACH ROW EXECUTE FUNCTION database_refuse('journal: lines are never changed');
CREATE TRIGGER journal_lines_delete BEFORE DELETE ON journal_lines FOR EACH ROW EXECUTE FUNCTION database_refuse('journal: lines are never deleted');
CREATE TRIGGER journal_lines_truncate BEFORE TRUNCATE ON journal_lines EXECUTE FUNCTION database_refuse('journal: lines are never deleted');

-- +goose StatementBegin
CREATE FUNCTION attendance_marks_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM attendance_marks WHERE school = NEW.school) THEN
        RAISE EXCEPTION 'attendance: marks are numbered without a gap' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER attendance_marks_order BEFORE INSERT ON attendance_marks FOR EACH ROW EXECUTE FUNCTION attendance_marks_order();
CREATE TRIGGER attendance_marks_update BEFORE UPDATE ON attendance_marks FOR EACH ROW EXECUTE FUNCTION database_refuse('attendance: marks are never changed');
CREATE TRIGGER attendance_marks_delete BEFORE DELETE ON attendance_marks FOR EACH ROW EXECUTE FUNCTION database_refuse('attendance: marks are never deleted');
CREATE TRIGGER attendance_marks_truncate BEFORE TRUNCATE ON attendance_marks EXECUTE FUNCTION database_refuse('attendance: marks are never deleted');

-- +goose StatementBegin
CREATE FUNCTION courier_letters_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
        OR (OLD.state = 'unheard' AND NEW.state = 'delivered')) THEN
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
CREATE TRIGGER courier_letters_guard BEFORE INSERT OR UPDATE ON courier_letters FOR EACH ROW EXECUTE FUNCTION courier_letters_guard();
CREATE TRIGGER courier_letters_delete BEFORE DELETE ON courier_letters FOR EACH ROW EXECUTE FUNCTION database_refuse('courier: letters are never deleted');
CREATE TRIGGER courier_letters_truncate BEFORE TRUNCATE ON courier_letters EXECUTE FUNCTION database_refuse('courier: letters are never deleted');

-- +goose StatementBegin
CREATE FUNCTION courier_attempts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.outcome <> '' OR NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM courier_attempts WHERE school = NEW.school AND letter = NEW.letter) THEN
            RAISE EXCEPTION 'courier: an attempt begins without an outcome, in order' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF OLD.outcome <> '' OR (NEW.school, NEW.letter, NEW.n, NEW.instance, NEW.carrier, NEW.started_at)
          IS DISTINCT FROM (OLD.school, OLD.letter, OLD.n, OLD.instance, OLD.carrier, OLD.started_at) THEN
        RAISE EXCEPTION 'courier: an attempt has one outcome' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER courier_attempts_guard BEFORE INSERT OR UPDATE ON courier_attempts FOR EACH ROW EXECUTE FUNCTION courier_attempts_guard();
CREATE TRIGGER courier_attempts_delete BEFORE DELETE ON courier_attempts FOR EACH ROW EXECUTE FUNCTION database_refuse('courier: attempts are never deleted');
CREATE TRIGGER courier_attempts_truncate BEFORE TRUNCATE ON courier_attempts EXECUTE FUNCTION database_refuse('courier: attempts are never deleted');

CREATE TRIGGER alert_decisions_update BEFORE UPDATE ON alert_decisions FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: decisions are never changed');
CREATE TRIGGER alert_decisions_delete BEFORE DELETE ON alert_decisions FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: decisions are never deleted');
CREATE TRIGGER alert_decisions_truncate BEFORE TRUNCATE ON alert_decisions EXECUTE FUNCTION database_refuse('alert: decisions are never deleted');

-- +goose StatementBegin
CREATE FUNCTION alert_episodes_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state NOT IN ('held', 'untold')
           OR NOT EXISTS (SELECT 1 FROM attendance_marks WHERE school = NEW.school AND n = NEW.mark AND pupil = NEW.pupil AND value = 'absent'
               AND sitting = NEW.sitting AND NEW.half_day IN (day || '/am', day || '/pm'))
           OR EXISTS (SELECT 1 FROM alert_episodes WHERE school = NEW.school AND pupil = NEW.pupil AND half_day = NEW.half_day AND state IN ('held', 'told', 'untold')) THEN
            RAISE EXCEPTION 'alert: an episode begins with an absent mark of its pupil, once' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF (NEW.school, NEW.id, NEW.pupil, NEW.mark, NEW.sitting, NEW.half_day, NEW.seq, NEW.first_at, NEW.leaves_at, NEW.expires_at)
          IS DISTINCT FROM (OLD.school, OLD.id, OLD.pupil, OLD.mark, OLD.sitting, OLD.half_day, OLD.seq, OLD.first_at, OLD.leaves_at, OLD.expires_at)
       OR (OLD.state <> NEW.state AND NOT (
              (OLD.state = 'held' AND NEW.state IN ('told', 'withdrawn', 'untold'))
           OR (OLD.state IN ('told', 'untold') AND NEW.state = 'over'))) THEN
        RAISE EXCEPTION 'alert: an episode only moves forward' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_episodes_guard BEFORE INSERT OR UPDATE ON alert_episodes FOR EACH ROW EXECUTE FUNCTION alert_episodes_guard();
CREATE TRIGGER alert_episodes_delete BEFORE DELETE ON alert_episodes FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: episodes are never deleted');
CREATE TRIGGER alert_episodes_truncate BEFORE TRUNCATE ON alert_episodes EXECUTE FUNCTION database_refuse('alert: episodes are never deleted');

-- +goose StatementBegin
CREATE FUNCTION alert_letters_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM courier_letters l WHERE l.school = NEW.school AND l.id = NEW.letter AND l.kind = NEW.kind AND l.ref = NEW.episode
           AND l.pupil = NEW.pupil AND l.person = NEW.person AND l.channel = NEW.channel AND l.contact = NEW.contact)
       OR (NEW.answers IS NOT NULL AND NOT EXISTS (SELECT 1 FROM alert_letters a WHERE a.school = NEW.school AND a.letter = NEW.answers
           AND a.kind = 'absence' AND a.episode = NEW.episode AND a.person = NEW.person AND a.channel = NEW.channel AND a.contact = NEW.contact)) THEN
        RAISE EXCEPTION 'alert: a letter speaks of its own episode, to its own recipient, once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_letters_guard BEFORE INSERT ON alert_letters FOR EACH ROW EXECUTE FUNCTION alert_letters_guard();
CREATE TRIGGER alert_letters_update BEFORE UPDATE ON alert_letters FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: what a letter speaks for is never changed');
CREATE TRIGGER alert_letters_delete BEFORE DELETE ON alert_letters FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: what a letter speaks for is never deleted');
CREATE TRIGGER alert_letters_truncate BEFORE TRUNCATE ON alert_letters EXECUTE FUNCTION database_refuse('alert: what a letter speaks for is never deleted');

-- +goose StatementBegin
CREATE FUNCTION alert_calls_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.outcome <> '' OR (NEW.school, NEW.id, NEW.episode, NEW.adult, NEW.pupil) IS DISTINCT FROM (OLD.school, OLD.id, OLD.episode, OLD.adult, OLD.pupil) THEN
        RAISE EXCEPTION 'alert: a telephone row is closed once, by an outcome' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_calls_closed BEFORE UPDATE ON alert_calls FOR EACH ROW EXECUTE FUNCTION alert_calls_guard();
CREATE TRIGGER alert_calls_delete BEFORE DELETE ON alert_calls FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: telephone rows are never deleted');
CREATE TRIGGER alert_calls_truncate BEFORE TRUNCATE ON alert_calls EXECUTE FUNCTION database_refuse('alert: telephone rows are never deleted');

-- A contact point keeps its address and its person: another address is another row.
-- +goose StatementBegin
CREATE FUNCTION directory_contacts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.school, NEW.id, NEW.person, NEW.channel, NEW.address) IS DISTINCT FROM (OLD.school, OLD.id, OLD.person, OLD.channel, OLD.address) THEN
        RAISE EXCEPTION 'directory: a contact point keeps its address and its person, and is ended, not deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER directory_contacts_guard BEFORE UPDATE ON directory_contacts FOR EACH ROW EXECUTE FUNCTION directory_contacts_guard();
CREATE TRIGGER directory_contacts_delete BEFORE DELETE ON directory_contacts FOR EACH ROW EXECUTE FUNCTION database_refuse('directory: a contact point keeps its address and its person, and is ended, not deleted');
CREATE TRIGGER directory_contacts_truncate BEFORE TRUNCATE ON directory_contacts EXECUTE FUNCTION database_refuse('directory: a contact point keeps its address and its person, and is ended, not deleted');

-- A court's decision and a pupil's objection are lifted, once; never changed or removed.
-- +goose StatementBegin
CREATE FUNCTION directory_decisions_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.lifted_at IS NOT NULL OR (NEW.school, NEW.id, NEW.pupil, NEW.adult, NEW.reference, NEW.from_on, NEW.until_on, NEW.recorded_by, NEW.recorded_at) IS DISTINCT FROM (OLD.school, OLD.id, OLD.pupil, OLD.adult, OLD.reference, OLD.from_on, OLD.until_on, OLD.recorded_by, OLD.recorded_at) THEN
        RAISE EXCEPTION 'directory: a decision is lifted, never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER directory_decisions_guard BEFORE UPDATE ON directory_decisions FOR EACH ROW EXECUTE FUNCTION directory_decisions_guard();
CREATE TRIGGER directory_decisions_delete BEFORE DELETE ON directory_decisions FOR EACH ROW EXECUTE FUNCTION database_refuse('directory: a decision is lifted, never changed or removed');
CREATE TRIGGER directory_decisions_truncate BEFORE TRUNCATE ON directory_decisions EXECUTE FUNCTION database_refuse('directory: a decision is lifted, never changed or removed');

-- +goose StatementBegin
CREATE FUNCTION directory_objections_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL OR (NEW.school, NEW.id, NEW.pupil, NEW.reference, NEW.recorded_by, NEW.recorded_at) IS DISTINCT FROM (OLD.school, OLD.id, OLD.pupil, OLD.reference, OLD.recorded_by, OLD.recorded_at) THEN
        RAISE EXCEPTION 'directory: an objection is withdrawn, never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER directory_objections_guard BEFORE UPDATE ON directory_objections FOR EACH ROW EXECUTE FUNCTION directory_objections_guard();
CREATE TRIGGER directory_objections_delete BEFORE DELETE ON directory_objections FOR EACH ROW EXECUTE FUNCTION database_refuse('directory: an objection is withdrawn, never changed or removed');
CREATE TRIGGER directory_objections_truncate BEFORE TRUNCATE ON directory_objections EXECUTE FUNCTION database_refuse('directory: an objection is withdrawn, never changed or removed');
