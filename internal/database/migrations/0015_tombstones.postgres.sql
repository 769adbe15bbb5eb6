-- +goose Up
-- A school that left: its contacts are erased, and nothing is added to it again.
CREATE TABLE directory_tombstones (
    school TEXT PRIMARY KEY REFERENCES database_schools (id),
    at     TIMESTAMP NOT NULL,
    by     TEXT NOT NULL
);
CREATE TRIGGER directory_tombstones_update BEFORE UPDATE ON directory_tombstones FOR EACH ROW EXECUTE FUNCTION database_refuse('directory: a tombstone stays');
CREATE TRIGGER directory_tombstones_delete BEFORE DELETE ON directory_tombstones FOR EACH ROW EXECUTE FUNCTION database_refuse('directory: a tombstone stays');
CREATE TRIGGER directory_tombstones_truncate BEFORE TRUNCATE ON directory_tombstones EXECUTE FUNCTION database_refuse('directory: a tombstone stays');

-- A contact point keeps its address and its person, except that those of a school that
-- left are erased: the address becomes the row's own id, which no carrier takes.
-- +goose StatementBegin
CREATE FUNCTION directory_buried() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM directory_tombstones t WHERE t.school = NEW.school) THEN
        RAISE EXCEPTION 'directory: this school left' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER directory_contacts_buried BEFORE INSERT ON directory_contacts FOR EACH ROW EXECUTE FUNCTION directory_buried();
CREATE TRIGGER courier_letters_buried BEFORE INSERT ON courier_letters FOR EACH ROW EXECUTE FUNCTION directory_buried();
CREATE TRIGGER courier_letters_unsent BEFORE UPDATE OF state ON courier_letters FOR EACH ROW WHEN (NEW.state = 'leaving' AND OLD.state <> 'leaving') EXECUTE FUNCTION directory_buried();
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION directory_contacts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.school, NEW.id, NEW.person, NEW.channel) IS DISTINCT FROM (OLD.school, OLD.id, OLD.person, OLD.channel)
       OR (NEW.address <> OLD.address AND NOT (NEW.address = 'erased ' || NEW.id AND NEW.ended_at IS NOT NULL AND EXISTS (SELECT 1 FROM directory_tombstones t WHERE t.school = NEW.school))) THEN
        RAISE EXCEPTION 'directory: a contact point keeps its address and its person, and is ended, not deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
