-- +goose Up
-- Who waited in our own line, from their ticket's signed arrival to their entry. A ticket is
-- one account's: of the first who signs in with it. Of others than pupils the ticket alone is
-- kept, so that nobody after them takes their wait for their own. Gone after forty days.
CREATE TABLE door_waits (
    ticket     TEXT NOT NULL PRIMARY KEY,
    school     TEXT,
    person     TEXT,                          -- a pupil
    arrived_at TIMESTAMP NOT NULL,
    entered_at TIMESTAMP NOT NULL,
    CHECK (entered_at >= arrived_at),
    CHECK ((school IS NULL) = (person IS NULL)),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
CREATE INDEX door_waits_person ON door_waits (school, person, entered_at);
CREATE INDEX door_waits_entered ON door_waits (entered_at);

-- When a line was long: by school; '' is everybody's, the line of devices that nobody knows,
-- and the time in which the program was away. It names nobody. Gone after four hundred days.
CREATE TABLE door_long (
    school   TEXT NOT NULL,
    from_at  TIMESTAMP NOT NULL,
    until_at TIMESTAMP NOT NULL,
    why      TEXT NOT NULL CHECK (why IN ('line', 'away')),
    PRIMARY KEY (school, from_at, why),
    CHECK (until_at >= from_at)
);
CREATE INDEX door_long_until ON door_long (until_at);

-- When the line was last watched, by the machine's clock: one row, written again by whoever does.
CREATE TABLE door_watch (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    at  TIMESTAMP NOT NULL
);
