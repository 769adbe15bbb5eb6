-- +goose Up
-- One row a school. InSchool locks this row on PostgreSQL; every table of every
-- capability points at it, so nothing can belong to a school that is not there.
CREATE TABLE database_schools (
    id TEXT PRIMARY KEY
);

-- The one installation that this database belongs to.
CREATE TABLE database_installation (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    id         TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
