-- +goose Up
-- What is over is cleared every half minute: found without reading every session.
CREATE INDEX account_sessions_expires ON account_sessions (expires_at);
