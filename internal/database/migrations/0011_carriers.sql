-- +goose Up
-- What a receipt is matched by. The number itself is not kept twice: address is its
-- keyed digest.
ALTER TABLE courier_attempts ADD COLUMN provider TEXT NOT NULL DEFAULT '';       -- whose ids these are: accounts of one provider share them
ALTER TABLE courier_attempts ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE courier_attempts ADD COLUMN reference INTEGER NOT NULL DEFAULT 0;    -- ours, of 16 bits, where a carrier echoes one
CREATE INDEX courier_attempts_reference ON courier_attempts (provider, address, reference);
CREATE INDEX courier_attempts_echo ON courier_attempts (provider, letter);
CREATE INDEX courier_attempts_pending ON courier_attempts (instance) WHERE outcome = '';
-- The queue, in the order in which it is looked at.
DROP INDEX courier_letters_due;
CREATE INDEX courier_letters_queue ON courier_letters (school, kind, due_at, id) WHERE state IN ('waiting', 'unsure');
CREATE INDEX courier_letters_message ON courier_letters (message_id); -- of what comes back, and for explain
CREATE INDEX courier_letters_leaving ON courier_letters (state, leaving_at) WHERE state IN ('leaving', 'left');

-- The short messages that an attempt became: one letter may be two of them.
CREATE TABLE courier_parts (
    school   TEXT NOT NULL,
    letter   TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    provider TEXT NOT NULL,
    key      TEXT NOT NULL,                 -- the carrier's id in the form in which ids are compared; empty: it gave none
    address  TEXT NOT NULL,
    fate     TEXT NOT NULL DEFAULT '' CHECK (fate IN ('', 'delivered', 'failed')),
    PRIMARY KEY (school, letter, attempt, n),
    FOREIGN KEY (school, letter, attempt) REFERENCES courier_attempts (school, letter, n)
);
CREATE INDEX courier_parts_key ON courier_parts (provider, key);

-- What carriers said later, kept until it is known of which letter. It may come before
-- the answer, twice, late or with an id that was never given.
CREATE TABLE courier_receipts (
    id          TEXT PRIMARY KEY,
    provider    TEXT NOT NULL,
    key         TEXT NOT NULL,
    letter      TEXT NOT NULL,              -- our own id, where the carrier echoes it
    address     TEXT NOT NULL,
    reference   INTEGER NOT NULL,
    fate        TEXT NOT NULL CHECK (fate IN ('underway', 'delivered', 'failed', 'unknown')),
    code        TEXT NOT NULL,
    received_at TIMESTAMP NOT NULL,
    school      TEXT,                       -- of the letter that it was found to be about
    about       TEXT,
    settled_at  TIMESTAMP,
    UNIQUE (provider, key, letter, address, reference, fate, code),
    FOREIGN KEY (school, about) REFERENCES courier_letters (school, id),
    CHECK ((about IS NULL) = (settled_at IS NULL) AND (about IS NULL) = (school IS NULL))
);
CREATE INDEX courier_receipts_open ON courier_receipts (received_at) WHERE settled_at IS NULL;
CREATE INDEX courier_receipts_about ON courier_receipts (school, about);
