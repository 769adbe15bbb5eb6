-- +goose Up
-- A person of a school, or an operator (school and person empty).
CREATE TABLE account_accounts (
    id              TEXT PRIMARY KEY,
    school          TEXT,
    person          TEXT,
    role            TEXT NOT NULL CHECK (role IN ('operator', 'head', 'cpe', 'office', 'teacher', 'pupil', 'guardian')),
    identifier      TEXT NOT NULL UNIQUE,
    password        TEXT NOT NULL DEFAULT '',  -- argon2id, PHC string; empty: none yet
    code_hash       TEXT NOT NULL DEFAULT '',  -- SHA-256 of the one-time code; empty: none
    code_expires_at TIMESTAMP,
    failures        INTEGER NOT NULL DEFAULT 0,
    wait_until      TIMESTAMP,                 -- no password is tried before
    created_at      TIMESTAMP NOT NULL,
    disabled_at     TIMESTAMP,
    CHECK ((role = 'operator') = (school IS NULL)),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
CREATE UNIQUE INDEX account_accounts_person ON account_accounts (school, person, role);

CREATE TABLE account_sessions (
    id         TEXT PRIMARY KEY,
    account    TEXT NOT NULL REFERENCES account_accounts (id),
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);
CREATE INDEX account_sessions_account ON account_sessions (account);
