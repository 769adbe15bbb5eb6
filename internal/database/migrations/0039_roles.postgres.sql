-- +goose Up
-- The office is two: a secretary, who does what the office did, and a supervisor; and a
-- nurse. Each role is held for a period.
ALTER TABLE account_accounts DROP CONSTRAINT account_accounts_role_check;
UPDATE account_accounts SET role = 'secretary' WHERE role = 'office';
ALTER TABLE account_accounts ADD CONSTRAINT account_accounts_role_check CHECK (role IN ('operator', 'head', 'cpe', 'secretary', 'supervisor', 'nurse', 'teacher', 'pupil', 'guardian'));
ALTER TABLE account_accounts ADD COLUMN from_on TEXT NOT NULL DEFAULT '';   -- the school's date on which the role begins; empty: since ever
ALTER TABLE account_accounts ADD COLUMN until_on TEXT NOT NULL DEFAULT '';  -- the last day of it; empty: no end
ALTER TABLE account_accounts ADD CONSTRAINT account_accounts_period CHECK (until_on = '' OR from_on <= until_on);
ALTER TABLE account_accounts ADD CONSTRAINT account_accounts_operators CHECK (role <> 'operator' OR (from_on = '' AND until_on = ''));
