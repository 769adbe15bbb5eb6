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
CREATE FUNCTION attendance_corrections_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT origin FROM attendance_marks WHERE school = NEW.school AND n = NEW.n) IS DISTINCT FROM 'office' THEN
        RAISE EXCEPTION 'attendance: the office says once why it corrects' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER attendance_corrections_new BEFORE INSERT ON attendance_corrections FOR EACH ROW EXECUTE FUNCTION attendance_corrections_new();
CREATE TRIGGER attendance_corrections_update BEFORE UPDATE ON attendance_corrections FOR EACH ROW EXECUTE FUNCTION database_refuse('attendance: corrections are never changed');
CREATE TRIGGER attendance_corrections_delete BEFORE DELETE ON attendance_corrections FOR EACH ROW EXECUTE FUNCTION database_refuse('attendance: corrections are never deleted');
CREATE TRIGGER attendance_corrections_truncate BEFORE TRUNCATE ON attendance_corrections EXECUTE FUNCTION database_refuse('attendance: corrections are never deleted');
