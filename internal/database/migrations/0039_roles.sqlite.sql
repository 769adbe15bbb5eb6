-- +goose NO TRANSACTION
-- +goose Up
-- The office is two: a secretary, who does what the office did, and a supervisor; and a
-- nurse. Each role is held for a period. SQLite changes no CHECK of a table: the accounts'
-- table is made again, as its documentation says, in one transaction with foreign keys off.
PRAGMA foreign_keys = OFF;
PRAGMA legacy_alter_table = ON;
BEGIN IMMEDIATE;
CREATE TABLE account_accounts_new (
    id              TEXT PRIMARY KEY,
    school          TEXT,
    person          TEXT,
    role            TEXT NOT NULL CHECK (role IN ('operator', 'head', 'cpe', 'secretary', 'supervisor', 'nurse', 'teacher', 'pupil', 'guardian')),
    identifier      TEXT NOT NULL UNIQUE,
    password        TEXT NOT NULL DEFAULT '',  -- argon2id, PHC string; empty: none yet
    code_hash       TEXT NOT NULL DEFAULT '',  -- SHA-256 of the one-time code; empty: none
    code_expires_at TIMESTAMP,
    created_at      TIMESTAMP NOT NULL,
    disabled_at     TIMESTAMP,
    from_on         TEXT NOT NULL DEFAULT '',  -- the school's date on which the role begins; empty: since ever
    until_on        TEXT NOT NULL DEFAULT '',  -- the last day of it; empty: no end
    CHECK ((role = 'operator') = (school IS NULL)),
    CHECK (until_on = '' OR from_on <= until_on),
    CHECK (role <> 'operator' OR (from_on = '' AND until_on = '')), -- no school, no date of it
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
INSERT INTO account_accounts_new (id, school, person, role, identifier, password, code_hash, code_expires_at, created_at, disabled_at)
SELECT id, school, person, CASE role WHEN 'office' THEN 'secretary' ELSE role END, identifier, password, code_hash, code_expires_at, created_at, disabled_at FROM account_accounts;
DROP TABLE account_accounts;
ALTER TABLE account_accounts_new RENAME TO account_accounts;
CREATE UNIQUE INDEX account_accounts_person ON account_accounts (school, person, role);
CREATE UNIQUE INDEX account_accounts_code ON account_accounts (code_hash) WHERE code_hash <> '';
COMMIT;
PRAGMA legacy_alter_table = OFF;
PRAGMA foreign_keys = ON;
