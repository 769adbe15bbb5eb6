-- +goose Up
-- Why the office changed a mark that somebody else had made. Who and when is the mark's.
CREATE TABLE attendance_corrections (
    school TEXT   NOT NULL,
    n      BIGINT NOT NULL,                  -- the mark that corrects
    why    TEXT   NOT NULL CHECK (why IN ('slip', 'seen', 'asked', 'pupil', 'other')),
    words  TEXT   NOT NULL DEFAULT '' CHECK (length(words) <= 200),
    PRIMARY KEY (school, n),
    FOREIGN KEY (school, n) REFERENCES attendance_marks (school, n)
);
-- +goose StatementBegin
CREATE TRIGGER attendance_corrections_new BEFORE INSERT ON attendance_corrections
WHEN (SELECT origin FROM attendance_marks WHERE school = NEW.school AND n = NEW.n) IS NOT 'office'
  OR EXISTS (SELECT 1 FROM attendance_corrections WHERE rowid = NEW.rowid OR (school = NEW.school AND n = NEW.n))
BEGIN SELECT RAISE(ABORT, 'attendance: the office says once why it corrects'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attendance_corrections_update BEFORE UPDATE ON attendance_corrections
BEGIN SELECT RAISE(ABORT, 'attendance: corrections are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attendance_corrections_delete BEFORE DELETE ON attendance_corrections
BEGIN SELECT RAISE(ABORT, 'attendance: corrections are never deleted'); END;
-- +goose StatementEnd
