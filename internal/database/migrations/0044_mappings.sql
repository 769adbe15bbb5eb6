-- +goose Up
-- What a school said last that the columns of its own table are: proposed again with the
-- next file that has these columns.
CREATE TABLE directory_mappings (
    school   TEXT NOT NULL PRIMARY KEY REFERENCES database_schools (id),
    columns  TEXT NOT NULL,            -- JSON: fields and the columns that they are
    digits   TEXT NOT NULL DEFAULT '', -- what digits as levels mean
    sheet    TEXT NOT NULL DEFAULT '',
    saved_by TEXT NOT NULL,
    saved_at TIMESTAMP NOT NULL
);
