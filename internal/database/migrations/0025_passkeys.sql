-- +goose Up
-- A passkey opens an account without its password: the device asks its owner for a finger, a
-- face or a code. Only public keys are kept.
CREATE TABLE account_passkeys (
    id         TEXT PRIMARY KEY,
    account    TEXT NOT NULL REFERENCES account_accounts (id),
    credential TEXT NOT NULL UNIQUE,          -- the authenticator's own name of it, base64url
    data       TEXT NOT NULL,                 -- public key, counter, flags: JSON of the library
    name       TEXT NOT NULL DEFAULT '',      -- what its owner recognises it by
    created_at TIMESTAMP NOT NULL,
    used_at    TIMESTAMP
);
CREATE INDEX account_passkeys_account ON account_passkeys (account);

-- A challenge is answered once. Only those that were are kept, as long as they are good.
CREATE TABLE account_challenges (
    challenge TEXT PRIMARY KEY,
    ends_at   TIMESTAMP NOT NULL
);
CREATE INDEX account_challenges_ends ON account_challenges (ends_at);
