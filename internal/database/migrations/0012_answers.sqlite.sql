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
CREATE TRIGGER alert_answers_new BEFORE INSERT ON alert_answers
WHEN EXISTS (SELECT 1 FROM alert_answers WHERE rowid = NEW.rowid OR (school = NEW.school AND id = NEW.id))
  OR NEW.n IS NOT 1 + (SELECT coalesce(max(n), 0) FROM alert_answers WHERE school = NEW.school AND episode = NEW.episode)
  OR (SELECT kind FROM alert_letters WHERE school = NEW.school AND letter = NEW.letter) IS NOT 'absence'
BEGIN SELECT RAISE(ABORT, 'alert: an answer follows the last one, to a letter about an absence'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_answers_update BEFORE UPDATE ON alert_answers
BEGIN SELECT RAISE(ABORT, 'alert: answers are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_answers_delete BEFORE DELETE ON alert_answers
BEGIN SELECT RAISE(ABORT, 'alert: answers are never deleted'); END;
-- +goose StatementEnd

-- How families answer: '' is what the installation can do best.
ALTER TABLE alert_settings ADD COLUMN answers TEXT NOT NULL DEFAULT '' CHECK (answers IN ('', 'link', 'phone', 'reply'));

-- An address that said STOP, or that takes nothing more. It begins again only with a
-- note of why; a contact point added later with the same address begins stopped.
ALTER TABLE directory_contacts ADD COLUMN stopped_at TIMESTAMP;
ALTER TABLE directory_contacts ADD COLUMN stopped_why TEXT NOT NULL DEFAULT '';
CREATE INDEX directory_contacts_anywhere ON directory_contacts (channel, address);
-- +goose StatementBegin
CREATE TRIGGER directory_contacts_resumed BEFORE UPDATE ON directory_contacts
WHEN OLD.stopped_at IS NOT NULL AND NEW.stopped_at IS NULL AND (NEW.stopped_why = '' OR NEW.stopped_why = OLD.stopped_why)
BEGIN SELECT RAISE(ABORT, 'directory: a stopped contact point begins again with a note of why'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_contacts_stopped AFTER INSERT ON directory_contacts
WHEN NEW.stopped_at IS NULL AND EXISTS (SELECT 1 FROM directory_contacts c WHERE c.school = NEW.school AND c.channel = NEW.channel AND c.address = NEW.address AND c.stopped_at IS NOT NULL)
BEGIN
    UPDATE directory_contacts SET (stopped_at, stopped_why) = (SELECT c.stopped_at, c.stopped_why FROM directory_contacts c
        WHERE c.school = NEW.school AND c.channel = NEW.channel AND c.address = NEW.address AND c.stopped_at IS NOT NULL ORDER BY c.stopped_at LIMIT 1)
    WHERE school = NEW.school AND id = NEW.id;
END;
-- +goose StatementEnd
