-- +goose Up
-- Refusals that hold whoever writes the SQL. On SQLite a REPLACE deletes without a
-- DELETE trigger unless recursive_triggers is on, and any connection may turn it
-- off: so the INSERT itself is refused where the key is taken or out of order.

-- +goose StatementBegin
CREATE TRIGGER journal_lines_order BEFORE INSERT ON journal_lines
WHEN EXISTS (SELECT 1 FROM journal_lines WHERE rowid = NEW.rowid) OR NEW.seq <> 1 + (SELECT coalesce(max(seq), 0) FROM journal_lines WHERE school = NEW.school AND year = NEW.year)
BEGIN SELECT RAISE(ABORT, 'journal: a line follows the last one'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_lines_update BEFORE UPDATE ON journal_lines
BEGIN SELECT RAISE(ABORT, 'journal: lines are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_lines_delete BEFORE DELETE ON journal_lines
BEGIN SELECT RAISE(ABORT, 'journal: lines are never deleted'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER attendance_marks_order BEFORE INSERT ON attendance_marks
WHEN EXISTS (SELECT 1 FROM attendance_marks WHERE rowid = NEW.rowid) OR NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM attendance_marks WHERE school = NEW.school)
BEGIN SELECT RAISE(ABORT, 'attendance: marks are numbered without a gap'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attendance_marks_update BEFORE UPDATE ON attendance_marks
BEGIN SELECT RAISE(ABORT, 'attendance: marks are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attendance_marks_delete BEFORE DELETE ON attendance_marks
BEGIN SELECT RAISE(ABORT, 'attendance: marks are never deleted'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER courier_letters_new BEFORE INSERT ON courier_letters
WHEN EXISTS (SELECT 1 FROM courier_letters WHERE rowid = NEW.rowid) OR NEW.state <> 'waiting' OR NEW.attempts <> 0 OR NEW.leaving_at IS NOT NULL OR NEW.because <> ''
  OR EXISTS (SELECT 1 FROM courier_letters WHERE code = NEW.code)
  OR EXISTS (SELECT 1 FROM courier_letters WHERE school = NEW.school AND (id = NEW.id
     OR (kind = NEW.kind AND ref = NEW.ref AND pupil = NEW.pupil AND person = NEW.person AND channel = NEW.channel AND contact = NEW.contact)))
BEGIN SELECT RAISE(ABORT, 'courier: a letter begins waiting, once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_words BEFORE UPDATE ON courier_letters
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.code IS NOT OLD.code OR NEW.kind IS NOT OLD.kind
  OR NEW.ref IS NOT OLD.ref OR NEW.pupil IS NOT OLD.pupil OR NEW.person IS NOT OLD.person OR NEW.contact IS NOT OLD.contact
  OR NEW.channel IS NOT OLD.channel OR NEW.digest IS NOT OLD.digest OR NEW.message_id IS NOT OLD.message_id
  OR NEW.created_at IS NOT OLD.created_at OR NEW.expires_at IS NOT OLD.expires_at
  OR (NEW.body IS NOT OLD.body AND (NEW.body <> '' OR OLD.state IN ('waiting', 'leaving')))
  OR (NEW.subject IS NOT OLD.subject AND (NEW.subject <> '' OR OLD.state IN ('waiting', 'leaving')))
BEGIN SELECT RAISE(ABORT, 'courier: a letter keeps its words and its recipient'); END;
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
  OR (OLD.state = 'unheard' AND NEW.state = 'delivered'))
BEGIN SELECT RAISE(ABORT, 'courier: a state only moves forward'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_attempts BEFORE UPDATE ON courier_letters
WHEN NEW.attempts < OLD.attempts OR NEW.attempts > OLD.attempts + 1
  OR (NEW.attempts <> OLD.attempts AND NEW.state <> 'leaving')
  OR (OLD.state <> 'leaving' AND NEW.state = 'leaving' AND NEW.attempts <> OLD.attempts + 1)
BEGIN SELECT RAISE(ABORT, 'courier: leaving is one attempt more'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_delete BEFORE DELETE ON courier_letters
BEGIN SELECT RAISE(ABORT, 'courier: letters are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_attempts_new BEFORE INSERT ON courier_attempts
WHEN EXISTS (SELECT 1 FROM courier_attempts WHERE rowid = NEW.rowid) OR NEW.outcome <> '' OR NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM courier_attempts WHERE school = NEW.school AND letter = NEW.letter)
BEGIN SELECT RAISE(ABORT, 'courier: an attempt begins without an outcome, in order'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_attempts_settled BEFORE UPDATE ON courier_attempts
WHEN OLD.outcome <> '' OR NEW.school IS NOT OLD.school OR NEW.letter IS NOT OLD.letter OR NEW.n IS NOT OLD.n
  OR NEW.instance IS NOT OLD.instance OR NEW.carrier IS NOT OLD.carrier OR NEW.started_at IS NOT OLD.started_at
BEGIN SELECT RAISE(ABORT, 'courier: an attempt has one outcome'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_attempts_delete BEFORE DELETE ON courier_attempts
BEGIN SELECT RAISE(ABORT, 'courier: attempts are never deleted'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER alert_decisions_new BEFORE INSERT ON alert_decisions
WHEN EXISTS (SELECT 1 FROM alert_decisions WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM alert_decisions WHERE school = NEW.school AND mark = NEW.mark)
BEGIN SELECT RAISE(ABORT, 'alert: one decision a mark'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_decisions_update BEFORE UPDATE ON alert_decisions
BEGIN SELECT RAISE(ABORT, 'alert: decisions are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_decisions_delete BEFORE DELETE ON alert_decisions
BEGIN SELECT RAISE(ABORT, 'alert: decisions are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_episodes_new BEFORE INSERT ON alert_episodes
WHEN EXISTS (SELECT 1 FROM alert_episodes WHERE rowid = NEW.rowid) OR NEW.state NOT IN ('held', 'untold')
  OR (SELECT value FROM attendance_marks WHERE school = NEW.school AND n = NEW.mark) IS NOT 'absent'
  OR (SELECT pupil FROM attendance_marks WHERE school = NEW.school AND n = NEW.mark) IS NOT NEW.pupil
  OR (SELECT sitting FROM attendance_marks WHERE school = NEW.school AND n = NEW.mark) IS NOT NEW.sitting
  OR NEW.half_day NOT IN (SELECT day || part FROM attendance_marks, (SELECT '/am' AS part UNION ALL SELECT '/pm') WHERE school = NEW.school AND n = NEW.mark)
  OR EXISTS (SELECT 1 FROM alert_episodes WHERE school = NEW.school AND pupil = NEW.pupil AND half_day = NEW.half_day AND state IN ('held', 'told', 'untold'))
  OR EXISTS (SELECT 1 FROM alert_episodes WHERE school = NEW.school AND (id = NEW.id OR mark = NEW.mark
     OR (pupil = NEW.pupil AND half_day = NEW.half_day AND seq = NEW.seq)))
BEGIN SELECT RAISE(ABORT, 'alert: an episode begins with an absent mark of its pupil, once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_episodes_forward BEFORE UPDATE ON alert_episodes
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.pupil IS NOT OLD.pupil OR NEW.mark IS NOT OLD.mark
  OR NEW.half_day IS NOT OLD.half_day OR NEW.seq IS NOT OLD.seq OR NEW.sitting IS NOT OLD.sitting OR NEW.first_at IS NOT OLD.first_at OR NEW.leaves_at IS NOT OLD.leaves_at OR NEW.expires_at IS NOT OLD.expires_at
  OR (OLD.state <> NEW.state AND NOT (
     (OLD.state = 'held' AND NEW.state IN ('told', 'withdrawn', 'untold'))
  OR (OLD.state IN ('told', 'untold') AND NEW.state = 'over')))
BEGIN SELECT RAISE(ABORT, 'alert: an episode only moves forward'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_episodes_delete BEFORE DELETE ON alert_episodes
BEGIN SELECT RAISE(ABORT, 'alert: episodes are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_letters_new BEFORE INSERT ON alert_letters
WHEN EXISTS (SELECT 1 FROM alert_letters WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM alert_letters WHERE school = NEW.school AND (letter = NEW.letter
     OR (episode = NEW.episode AND person = NEW.person AND channel = NEW.channel AND contact = NEW.contact AND kind = NEW.kind)))
  OR NOT EXISTS (SELECT 1 FROM courier_letters l WHERE l.school = NEW.school AND l.id = NEW.letter AND l.kind = NEW.kind AND l.ref = NEW.episode
     AND l.pupil = NEW.pupil AND l.person = NEW.person AND l.channel = NEW.channel AND l.contact = NEW.contact)
  OR (NEW.answers IS NOT NULL AND NOT EXISTS (SELECT 1 FROM alert_letters a WHERE a.school = NEW.school AND a.letter = NEW.answers
     AND a.kind = 'absence' AND a.episode = NEW.episode AND a.person = NEW.person AND a.channel = NEW.channel AND a.contact = NEW.contact))
BEGIN SELECT RAISE(ABORT, 'alert: a letter speaks of its own episode, to its own recipient, once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_letters_update BEFORE UPDATE ON alert_letters
BEGIN SELECT RAISE(ABORT, 'alert: what a letter speaks for is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_letters_delete BEFORE DELETE ON alert_letters
BEGIN SELECT RAISE(ABORT, 'alert: what a letter speaks for is never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_calls_closed BEFORE UPDATE ON alert_calls
WHEN OLD.outcome <> '' OR NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.episode IS NOT OLD.episode OR NEW.adult IS NOT OLD.adult OR NEW.pupil IS NOT OLD.pupil
BEGIN SELECT RAISE(ABORT, 'alert: a telephone row is closed once, by an outcome'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_calls_delete BEFORE DELETE ON alert_calls
BEGIN SELECT RAISE(ABORT, 'alert: telephone rows are never deleted'); END;
-- +goose StatementEnd

-- A contact point keeps its address and its person: another address is another row.
-- +goose StatementBegin
CREATE TRIGGER directory_contacts_words BEFORE UPDATE ON directory_contacts
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.person IS NOT OLD.person OR NEW.channel IS NOT OLD.channel OR NEW.address IS NOT OLD.address
BEGIN SELECT RAISE(ABORT, 'directory: a contact point keeps its address and its person'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_contacts_new BEFORE INSERT ON directory_contacts
WHEN EXISTS (SELECT 1 FROM directory_contacts WHERE rowid = NEW.rowid OR (school = NEW.school AND (id = NEW.id OR (person = NEW.person AND channel = NEW.channel AND address = NEW.address))))
BEGIN SELECT RAISE(ABORT, 'directory: a contact point is added once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_contacts_delete BEFORE DELETE ON directory_contacts
BEGIN SELECT RAISE(ABORT, 'directory: contact points are ended, not deleted'); END;
-- +goose StatementEnd

-- A court's decision and a pupil's objection are lifted, once; never changed or removed.
-- +goose StatementBegin
CREATE TRIGGER directory_decisions_lifted BEFORE UPDATE ON directory_decisions
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.pupil IS NOT OLD.pupil OR NEW.adult IS NOT OLD.adult OR NEW.reference IS NOT OLD.reference OR NEW.from_on IS NOT OLD.from_on OR NEW.until_on IS NOT OLD.until_on OR NEW.recorded_by IS NOT OLD.recorded_by OR NEW.recorded_at IS NOT OLD.recorded_at OR OLD.lifted_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'directory: a decision is lifted, never changed or removed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_decisions_new BEFORE INSERT ON directory_decisions
WHEN NEW.lifted_at IS NOT NULL OR EXISTS (SELECT 1 FROM directory_decisions WHERE rowid = NEW.rowid OR (school = NEW.school AND id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'directory: a decision is lifted, never changed or removed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_decisions_delete BEFORE DELETE ON directory_decisions
BEGIN SELECT RAISE(ABORT, 'directory: a decision is lifted, never changed or removed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_objections_lifted BEFORE UPDATE ON directory_objections
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.pupil IS NOT OLD.pupil OR NEW.reference IS NOT OLD.reference OR NEW.recorded_by IS NOT OLD.recorded_by OR NEW.recorded_at IS NOT OLD.recorded_at OR OLD.withdrawn_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'directory: an objection is withdrawn, never changed or removed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_objections_new BEFORE INSERT ON directory_objections
WHEN NEW.withdrawn_at IS NOT NULL OR EXISTS (SELECT 1 FROM directory_objections WHERE rowid = NEW.rowid OR (school = NEW.school AND id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'directory: an objection is withdrawn, never changed or removed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_objections_delete BEFORE DELETE ON directory_objections
BEGIN SELECT RAISE(ABORT, 'directory: an objection is withdrawn, never changed or removed'); END;
-- +goose StatementEnd
