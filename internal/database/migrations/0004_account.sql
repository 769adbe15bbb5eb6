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
    created_at      TIMESTAMP NOT NULL,
    disabled_at     TIMESTAMP,
    CHECK ((role = 'operator') = (school IS NULL)),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
CREATE UNIQUE INDEX account_accounts_person ON account_accounts (school, person, role);
CREATE UNIQUE INDEX account_accounts_code ON account_accounts (code_hash) WHERE code_hash <> '';

CREATE TABLE account_sessions (
    id         TEXT PRIMARY KEY,
    account    TEXT NOT NULL REFERENCES account_accounts (id),
    browser    TEXT NOT NULL DEFAULT '',       -- what its owner recognises it by
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);
CREATE INDEX account_sessions_account ON account_sessions (account);

-- What failed lately, per identifier that was typed (whether or not it exists) or per
-- known browser and account. The key is a keyed digest: people type their password in
-- the wrong field.
CREATE TABLE account_attempts (
    bucket     TEXT PRIMARY KEY,
    failures   INTEGER NOT NULL,
    wait_until TIMESTAMP NOT NULL              -- no password is tried before
);
