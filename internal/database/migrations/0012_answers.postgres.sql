-- +goose Up
-- What families answer. An answer is about an absence letter that this very person got,
-- of this very pupil and episode; it is appended, numbered within its episode, and
-- never changed: another answer is another row.
CREATE UNIQUE INDEX alert_letters_whole ON alert_letters (school, letter, episode, pupil, person);
CREATE TABLE alert_answers (
    school  TEXT NOT NULL,
    id      TEXT NOT NULL,
    episode TEXT NOT NULL,
    n       INTEGER NOT NULL,
    letter  TEXT NOT NULL,
    pupil   TEXT NOT NULL,
    person  TEXT NOT NULL,
    via     TEXT NOT NULL CHECK (via IN ('link', 'sms', 'page')),
    answer  TEXT NOT NULL CHECK (answer IN ('announced', 'should_be_here', 'coming', 'unclear')),
    reason  TEXT NOT NULL DEFAULT '',          -- of announced: a code from a closed list
    span    TEXT NOT NULL DEFAULT '' CHECK (span IN ('', 'half', 'day')),
    at      TIMESTAMP NOT NULL,
    PRIMARY KEY (school, id),
    UNIQUE (school, episode, n),
    CHECK ((answer = 'announced') = (span <> '')),
    CHECK (answer = 'announced' OR reason = ''),
    FOREIGN KEY (school, letter, episode, pupil, person) REFERENCES alert_letters (school, letter, episode, pupil, person)
);
CREATE INDEX alert_answers_pupil ON alert_answers (school, pupil, at);
-- +goose StatementBegin
CREATE FUNCTION alert_answers_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM alert_answers WHERE school = NEW.school AND episode = NEW.episode)
       OR NOT EXISTS (SELECT 1 FROM alert_letters WHERE school = NEW.school AND letter = NEW.letter AND kind = 'absence') THEN
        RAISE EXCEPTION 'alert: an answer follows the last one, to a letter about an absence' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_answers_new BEFORE INSERT ON alert_answers FOR EACH ROW EXECUTE FUNCTION alert_answers_guard();
CREATE TRIGGER alert_answers_update BEFORE UPDATE ON alert_answers FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: answers are never changed');
CREATE TRIGGER alert_answers_delete BEFORE DELETE ON alert_answers FOR EACH ROW EXECUTE FUNCTION database_refuse('alert: answers are never deleted');
CREATE TRIGGER alert_answers_truncate BEFORE TRUNCATE ON alert_answers EXECUTE FUNCTION database_refuse('alert: answers are never deleted');

-- How families answer: '' is what the installation can do best.
ALTER TABLE alert_settings ADD COLUMN answers TEXT NOT NULL DEFAULT '' CHECK (answers IN ('', 'link', 'phone', 'reply'));

-- An address that said STOP, or that takes nothing more. It begins again only with a
-- note of why; a contact point added later with the same address begins stopped.
ALTER TABLE directory_contacts ADD COLUMN stopped_at TIMESTAMP;
ALTER TABLE directory_contacts ADD COLUMN stopped_why TEXT NOT NULL DEFAULT '';
CREATE INDEX directory_contacts_anywhere ON directory_contacts (channel, address);
-- +goose StatementBegin
CREATE FUNCTION directory_contacts_stops() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE other directory_contacts%ROWTYPE;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.stopped_at IS NOT NULL AND NEW.stopped_at IS NULL AND NEW.stopped_why IN ('', OLD.stopped_why) THEN
            RAISE EXCEPTION 'directory: a stopped contact point begins again with a note of why' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.stopped_at IS NULL THEN
        SELECT * INTO other FROM directory_contacts c WHERE c.school = NEW.school AND c.channel = NEW.channel AND c.address = NEW.address
            AND c.stopped_at IS NOT NULL ORDER BY c.stopped_at LIMIT 1;
        IF FOUND THEN
            NEW.stopped_at := other.stopped_at;
            NEW.stopped_why := other.stopped_why;
        END IF;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER directory_contacts_stops BEFORE INSERT OR UPDATE ON directory_contacts FOR EACH ROW EXECUTE FUNCTION directory_contacts_stops();
