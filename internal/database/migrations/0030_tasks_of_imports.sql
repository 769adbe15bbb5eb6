-- +goose Up
-- What a task is about, in the words of a source, where the person alone does not say it:
-- a link that a file only hints at.
ALTER TABLE directory_tasks ADD COLUMN detail TEXT NOT NULL DEFAULT '';
