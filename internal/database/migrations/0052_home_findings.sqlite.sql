-- +goose Up
-- What is known of an absence from a class at home: whether anything of ours may have kept the
-- pupil away. Only 'absent' is an absence; it may turn into one of the others when more is
-- known, and never back. Without a line here nothing is known yet.
CREATE TABLE attendance_home_findings (
    school  TEXT   NOT NULL,
    n       BIGINT NOT NULL,
    finding TEXT   NOT NULL CHECK (finding IN ('absent', 'came', 'line', 'thrown', 'breaking', 'outage', 'unknown', 'noclass')),
    at      TIMESTAMP NOT NULL,
    PRIMARY KEY (school, n),
    FOREIGN KEY (school, n) REFERENCES attendance_marks (school, n)
);

-- When each program of the installation said last that it is there, and when it could not say so:
-- restarted, asleep, or its database refused. The machine's clock tells how long that was.
CREATE TABLE classroom_pulses (
    node       TEXT NOT NULL PRIMARY KEY,
    first_at   TIMESTAMP NOT NULL,
    at         TIMESTAMP NOT NULL,
    machine_at TIMESTAMP NOT NULL
);
CREATE TABLE classroom_outages (
    node     TEXT NOT NULL,
    from_at  TIMESTAMP NOT NULL,
    until_at TIMESTAMP NOT NULL,
    PRIMARY KEY (node, from_at),
    CHECK (until_at >= from_at)
);
CREATE INDEX classroom_outages_until ON classroom_outages (until_at);

-- +goose StatementBegin
CREATE TRIGGER attendance_home_findings_new BEFORE INSERT ON attendance_home_findings
WHEN EXISTS (SELECT 1 FROM attendance_home_findings WHERE rowid = NEW.rowid OR (school = NEW.school AND n = NEW.n))
  OR NOT EXISTS (SELECT 1 FROM attendance_marks k WHERE k.school = NEW.school AND k.n = NEW.n AND k.at_home AND k.value = 'absent')
BEGIN SELECT RAISE(ABORT, 'attendance: a finding is of an absence from a class at home, once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attendance_home_findings_forward BEFORE UPDATE ON attendance_home_findings
WHEN NEW.rowid IS NOT OLD.rowid OR NEW.school IS NOT OLD.school OR NEW.n IS NOT OLD.n OR OLD.finding <> 'absent' OR NEW.finding = 'absent'
BEGIN SELECT RAISE(ABORT, 'attendance: what may be our own doing stays so'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attendance_home_findings_delete BEFORE DELETE ON attendance_home_findings
BEGIN SELECT RAISE(ABORT, 'attendance: findings are never deleted'); END;
-- +goose StatementEnd

-- No alert without it, whoever writes the SQL: neither does an episode begin, nor is it told, nor
-- is a letter about it written, nor does one that waits begin to leave.
-- +goose StatementBegin
CREATE TRIGGER alert_episodes_home BEFORE INSERT ON alert_episodes
WHEN EXISTS (SELECT 1 FROM attendance_marks k WHERE k.school = NEW.school AND k.n = NEW.mark AND k.at_home AND NOT EXISTS (SELECT 1 FROM attendance_home_findings f WHERE f.school = k.school AND f.n = k.n AND f.finding = 'absent'))
BEGIN SELECT RAISE(ABORT, 'alert: an absence from a class at home is told when nothing of ours may have caused it'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_told_home BEFORE UPDATE OF state ON alert_episodes
WHEN NEW.state IN ('told', 'untold') AND OLD.state <> NEW.state AND EXISTS (SELECT 1 FROM attendance_marks k WHERE k.school = NEW.school AND k.n = NEW.mark AND k.at_home AND NOT EXISTS (SELECT 1 FROM attendance_home_findings f WHERE f.school = k.school AND f.n = k.n AND f.finding = 'absent'))
BEGIN SELECT RAISE(ABORT, 'alert: an absence from a class at home is told when nothing of ours may have caused it'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_letters_home BEFORE INSERT ON alert_letters
WHEN NEW.kind = 'absence' AND EXISTS (SELECT 1 FROM alert_episodes e JOIN attendance_marks k ON k.school = e.school AND k.n = e.mark WHERE e.school = NEW.school AND e.id = NEW.episode AND k.at_home AND NOT EXISTS (SELECT 1 FROM attendance_home_findings f WHERE f.school = k.school AND f.n = k.n AND f.finding = 'absent'))
BEGIN SELECT RAISE(ABORT, 'alert: an absence from a class at home is told when nothing of ours may have caused it'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alert_leaving_home BEFORE UPDATE OF state ON courier_letters
WHEN NEW.state = 'leaving' AND OLD.state <> 'leaving' AND NEW.kind = 'absence'
  AND EXISTS (SELECT 1 FROM alert_letters w JOIN alert_episodes e ON e.school = w.school AND e.id = w.episode JOIN attendance_marks k ON k.school = e.school AND k.n = e.mark
      WHERE w.school = NEW.school AND w.letter = NEW.id AND k.at_home AND NOT EXISTS (SELECT 1 FROM attendance_home_findings f WHERE f.school = k.school AND f.n = k.n AND f.finding = 'absent'))
BEGIN SELECT RAISE(ABORT, 'alert: an absence from a class at home is told when nothing of ours may have caused it'); END;
-- +goose StatementEnd
