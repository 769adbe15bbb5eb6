-- +goose Up
-- An import that was undone stays on record, with who undid it.
ALTER TABLE directory_imports ADD COLUMN undone_at TIMESTAMP;
ALTER TABLE directory_imports ADD COLUMN undone_by TEXT NOT NULL DEFAULT '';

-- What the last import of a school wrote over, row by row, so that it can be undone. It
-- holds names and addresses, and goes with the next import or after two weeks.
CREATE TABLE directory_undo (
    school  TEXT PRIMARY KEY REFERENCES database_schools (id),
    import  TEXT NOT NULL,
    at      TIMESTAMP NOT NULL,
    kept    TEXT NOT NULL,              -- JSON
    undoing BOOLEAN NOT NULL DEFAULT FALSE, -- in this very transaction: rows may go
    FOREIGN KEY (school, import) REFERENCES directory_imports (school, id)
);
CREATE INDEX directory_undo_at ON directory_undo (at);

-- A contact point is ended, not deleted: a letter may stand on it. One that came with an
-- import goes with it while that is undone, if no letter stands on it: the foreign keys
-- see to that.
DROP TRIGGER directory_contacts_delete;
-- +goose StatementBegin
CREATE TRIGGER directory_contacts_delete BEFORE DELETE ON directory_contacts
WHEN NOT EXISTS (SELECT 1 FROM directory_undo u WHERE u.school = OLD.school AND u.undoing)
BEGIN SELECT RAISE(ABORT, 'directory: contact points are ended, not deleted'); END;
-- +goose StatementEnd
