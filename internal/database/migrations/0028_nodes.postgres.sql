-- +goose Up
-- What each node says of the line before it, once a second: counts, and no name. Lost with the
-- server, like the line: nothing here is worth a disk.
CREATE UNLOGGED TABLE door_nodes (
    node  TEXT PRIMARY KEY,
    at    TIMESTAMP NOT NULL,
    state TEXT NOT NULL
);
