-- +goose Up
-- What a page reads of one pupil, and of the school's last letters, stays as much as it is
-- while everybody else's rows become more. The conditions are those of the questions, word for
-- word: SQLite finds an index of some rows only by them.
CREATE INDEX attendance_marks_pupil ON attendance_marks (school, pupil, day, n) WHERE value <> 'present';
CREATE INDEX courier_letters_recent ON courier_letters (school, leaving_at DESC, id) WHERE attempts > 0;
