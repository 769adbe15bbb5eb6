-- +goose Up
-- What is not a school's is kept in a chain of its own: this row is whose it is.
INSERT INTO database_schools (id) VALUES ('installation');

-- What the operator says of a failure, for whoever reads the page of the service's state.
CREATE TABLE status_incidents (
    id       TEXT NOT NULL PRIMARY KEY,
    from_at  TIMESTAMP NOT NULL,
    until_at TIMESTAMP,                      -- none: it goes on
    grade    TEXT NOT NULL CHECK (grade IN ('works', 'slow', 'stopped')),
    touches  TEXT NOT NULL,                  -- parts of the service, a space between
    by       TEXT NOT NULL,                  -- account
    at       TIMESTAMP NOT NULL,
    CHECK (until_at IS NULL OR until_at >= from_at)
);
CREATE INDEX status_incidents_until ON status_incidents (until_at);

-- Its words, one row each time that something was said. What was said stays.
CREATE TABLE status_news (
    incident TEXT NOT NULL REFERENCES status_incidents (id),
    n        INTEGER NOT NULL CHECK (n > 0),
    at       TIMESTAMP NOT NULL,
    by       TEXT NOT NULL,                  -- account
    fr       TEXT NOT NULL CHECK (fr <> ''),
    en       TEXT NOT NULL,
    PRIMARY KEY (incident, n)
);

-- +goose StatementBegin
CREATE TRIGGER status_incidents_new BEFORE INSERT ON status_incidents
WHEN EXISTS (SELECT 1 FROM status_incidents WHERE rowid = NEW.rowid OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'status: an incident is begun once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER status_incidents_update BEFORE UPDATE ON status_incidents
WHEN NEW.rowid IS NOT OLD.rowid OR NEW.id IS NOT OLD.id OR NEW.from_at IS NOT OLD.from_at OR NEW.grade IS NOT OLD.grade OR NEW.touches IS NOT OLD.touches OR NEW.by IS NOT OLD.by OR NEW.at IS NOT OLD.at
BEGIN SELECT RAISE(ABORT, 'status: only the end of an incident changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER status_incidents_delete BEFORE DELETE ON status_incidents
BEGIN SELECT RAISE(ABORT, 'status: incidents are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER status_news_order BEFORE INSERT ON status_news
WHEN EXISTS (SELECT 1 FROM status_news WHERE rowid = NEW.rowid) OR NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM status_news WHERE incident = NEW.incident)
BEGIN SELECT RAISE(ABORT, 'status: news follow the last one'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER status_news_update BEFORE UPDATE ON status_news
BEGIN SELECT RAISE(ABORT, 'status: what was said is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER status_news_delete BEFORE DELETE ON status_news
BEGIN SELECT RAISE(ABORT, 'status: what was said is never deleted'); END;
-- +goose StatementEnd
