-- +goose Up
-- A school that left: its contacts are erased, and nothing is added to it again.
CREATE TABLE directory_tombstones (
    school TEXT PRIMARY KEY REFERENCES database_schools (id),
    at     TIMESTAMP NOT NULL,
    by     TEXT NOT NULL
);
-- +goose StatementBegin
CREATE TRIGGER directory_tombstones_update BEFORE UPDATE ON directory_tombstones
BEGIN SELECT RAISE(ABORT, 'directory: a tombstone stays'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_tombstones_delete BEFORE DELETE ON directory_tombstones
BEGIN SELECT RAISE(ABORT, 'directory: a tombstone stays'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_tombstones_new BEFORE INSERT ON directory_tombstones
WHEN EXISTS (SELECT 1 FROM directory_tombstones WHERE rowid = NEW.rowid OR school = NEW.school)
BEGIN SELECT RAISE(ABORT, 'directory: a tombstone stays'); END;
-- +goose StatementEnd

-- A contact point keeps its address and its person, except that those of a school that
-- left are erased: the address becomes the row's own id, which no carrier takes.
-- +goose StatementBegin
DROP TRIGGER directory_contacts_words;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_contacts_words BEFORE UPDATE ON directory_contacts
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.person IS NOT OLD.person OR NEW.channel IS NOT OLD.channel
  OR (NEW.address IS NOT OLD.address AND NOT (NEW.address = 'erased ' || NEW.id AND NEW.ended_at IS NOT NULL AND EXISTS (SELECT 1 FROM directory_tombstones t WHERE t.school = NEW.school)))
BEGIN SELECT RAISE(ABORT, 'directory: a contact point keeps its address and its person'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_contacts_buried BEFORE INSERT ON directory_contacts
WHEN EXISTS (SELECT 1 FROM directory_tombstones t WHERE t.school = NEW.school)
BEGIN SELECT RAISE(ABORT, 'directory: this school left'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_buried BEFORE INSERT ON courier_letters
WHEN EXISTS (SELECT 1 FROM directory_tombstones t WHERE t.school = NEW.school)
BEGIN SELECT RAISE(ABORT, 'courier: this school left'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER courier_letters_unsent BEFORE UPDATE OF state ON courier_letters
WHEN NEW.state = 'leaving' AND OLD.state <> 'leaving' AND EXISTS (SELECT 1 FROM directory_tombstones t WHERE t.school = NEW.school)
BEGIN SELECT RAISE(ABORT, 'courier: this school left'); END;
-- +goose StatementEnd
