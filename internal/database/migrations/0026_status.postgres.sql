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
CREATE FUNCTION status_incidents_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <> OLD.id OR NEW.from_at <> OLD.from_at OR NEW.grade <> OLD.grade OR NEW.touches <> OLD.touches OR NEW."by" <> OLD."by" OR NEW.at <> OLD.at THEN
        RAISE EXCEPTION 'status: only the end of an incident changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION status_news_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM status_news WHERE incident = NEW.incident) THEN
        RAISE EXCEPTION 'status: news follow the last one' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER status_incidents_update BEFORE UPDATE ON status_incidents FOR EACH ROW EXECUTE FUNCTION status_incidents_update();
CREATE TRIGGER status_incidents_delete BEFORE DELETE ON status_incidents FOR EACH ROW EXECUTE FUNCTION database_refuse('status: incidents are never deleted');
CREATE TRIGGER status_incidents_truncate BEFORE TRUNCATE ON status_incidents EXECUTE FUNCTION database_refuse('status: incidents are never deleted');
CREATE TRIGGER status_news_order BEFORE INSERT ON status_news FOR EACH ROW EXECUTE FUNCTION status_news_order();
CREATE TRIGGER status_news_update BEFORE UPDATE ON status_news FOR EACH ROW EXECUTE FUNCTION database_refuse('status: what was said is never changed');
CREATE TRIGGER status_news_delete BEFORE DELETE ON status_news FOR EACH ROW EXECUTE FUNCTION database_refuse('status: what was said is never deleted');
CREATE TRIGGER status_news_truncate BEFORE TRUNCATE ON status_news EXECUTE FUNCTION database_refuse('status: what was said is never deleted');
