-- +goose Up
-- What a task was opened for, told apart from what changed since: one that was closed is
-- not opened again while nothing changed. And why somebody closed it, in their words.
ALTER TABLE directory_tasks ADD COLUMN sign TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_tasks ADD COLUMN reason TEXT NOT NULL DEFAULT '';
