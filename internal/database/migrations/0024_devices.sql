-- +goose Up
-- What a session is on: 'own', a device of one's own; 'shared', one that others use too;
-- 'passkey', a device of one's own that was signed in with a passkey. How long it may live
-- follows from it and from the role.
ALTER TABLE account_sessions ADD COLUMN device TEXT NOT NULL DEFAULT 'own';
-- When its person last showed who they are, with a password or a passkey.
ALTER TABLE account_sessions ADD COLUMN proven_at TIMESTAMP;
