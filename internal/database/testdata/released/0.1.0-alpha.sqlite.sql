CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE database_schools (
    id TEXT PRIMARY KEY
);
CREATE TABLE database_installation (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    id         TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE TABLE journal_lines (
    school  TEXT   NOT NULL REFERENCES database_schools (id),
    year    TEXT   NOT NULL,
    seq     BIGINT NOT NULL CHECK (seq > 0),
    at      TEXT   NOT NULL,
    act     TEXT   NOT NULL,
    actor   TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    detail  TEXT   NOT NULL,
    mac     TEXT   NOT NULL,
    PRIMARY KEY (school, year, seq)
);
CREATE TABLE journal_heads (
    school TEXT   NOT NULL REFERENCES database_schools (id),
    year   TEXT   NOT NULL,
    seq    BIGINT NOT NULL,
    mac    TEXT   NOT NULL,
    PRIMARY KEY (school, year)
);
CREATE TABLE directory_schools (
    id         TEXT PRIMARY KEY REFERENCES database_schools (id),
    uai        TEXT NOT NULL,              -- the ministry's number of the school
    source_key TEXT NOT NULL DEFAULT '',   -- its key in the file it came from
    name       TEXT NOT NULL,
    short_name TEXT NOT NULL,              -- in GSM characters, for messages
    kind       TEXT NOT NULL,              -- lycee, college, primary, other
    zone       TEXT NOT NULL,              -- IANA time zone
    region     TEXT NOT NULL,              -- of telephone numbers: FR, RE, CA...
    lang       TEXT NOT NULL,
    phone      TEXT NOT NULL DEFAULT '',
    UNIQUE (uai)
);
CREATE TABLE directory_people (
    school     TEXT NOT NULL REFERENCES database_schools (id),
    id         TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('pupil', 'adult', 'staff')),
    source     TEXT NOT NULL,              -- aaf, hand, fictional...
    source_key TEXT NOT NULL,
    last_name  TEXT NOT NULL,
    first_name TEXT NOT NULL,
    born       TEXT NOT NULL DEFAULT '',   -- YYYY-MM-DD, pupils only
    lang       TEXT NOT NULL DEFAULT '',   -- of messages; empty: the school's
    left_on    TEXT NOT NULL DEFAULT '',   -- first day on which the person no longer belongs here
    PRIMARY KEY (school, id),
    UNIQUE (school, kind, source, source_key)
);
CREATE TABLE directory_contacts (
    school      TEXT NOT NULL,
    id          TEXT NOT NULL,
    person      TEXT NOT NULL,
    channel     TEXT NOT NULL CHECK (channel IN ('email', 'sms', 'phone')),
    address     TEXT NOT NULL,             -- E.164, or the mail address
    raw         TEXT NOT NULL,             -- as the source wrote it
    source      TEXT NOT NULL,
    verified_at TIMESTAMP,
    ended_at    TIMESTAMP,                 -- no longer the person's
    PRIMARY KEY (school, id),
    UNIQUE (school, id, person),
    UNIQUE (school, person, channel, address),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
CREATE TABLE directory_links (
    school      TEXT NOT NULL,
    pupil       TEXT NOT NULL,
    adult       TEXT NOT NULL,
    level       TEXT NOT NULL CHECK (level IN ('legal', 'carer', 'contact')),
    kinship     TEXT NOT NULL DEFAULT '',
    priority    INTEGER NOT NULL DEFAULT 0,
    sms_consent TEXT NOT NULL DEFAULT 'unknown' CHECK (sms_consent IN ('yes', 'no', 'unknown')),
    raw         TEXT NOT NULL DEFAULT '',
    source      TEXT NOT NULL,
    source_file TEXT NOT NULL DEFAULT '',
    source_date TEXT NOT NULL DEFAULT '',
    dialect     TEXT NOT NULL DEFAULT '',
    chosen_by   TEXT NOT NULL DEFAULT '',  -- who chose this carer or contact for this pupil
    chosen_at   TIMESTAMP,
    ended_at    TIMESTAMP,                 -- the source no longer has it
    PRIMARY KEY (school, pupil, adult),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id),
    FOREIGN KEY (school, adult) REFERENCES directory_people (school, id)
);
CREATE TABLE directory_decisions (
    school      TEXT NOT NULL,
    id          TEXT NOT NULL,
    pupil       TEXT NOT NULL,
    adult       TEXT NOT NULL,
    reference   TEXT NOT NULL,
    from_on     TEXT NOT NULL,
    until_on    TEXT NOT NULL DEFAULT '',  -- last day; empty: until lifted
    recorded_by TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    lifted_by   TEXT NOT NULL DEFAULT '',
    lifted_at   TIMESTAMP,
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id),
    FOREIGN KEY (school, adult) REFERENCES directory_people (school, id)
);
CREATE TABLE directory_objections (
    school       TEXT NOT NULL,
    id           TEXT NOT NULL,
    pupil        TEXT NOT NULL,
    reference    TEXT NOT NULL,
    recorded_by  TEXT NOT NULL,
    recorded_at  TIMESTAMP NOT NULL,
    withdrawn_at TIMESTAMP,
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);
CREATE TABLE directory_groups (
    school TEXT NOT NULL REFERENCES database_schools (id),
    id     TEXT NOT NULL,
    kind   TEXT NOT NULL CHECK (kind IN ('class', 'group')),
    code   TEXT NOT NULL,
    label  TEXT NOT NULL,
    PRIMARY KEY (school, id),
    UNIQUE (school, kind, code)
);
CREATE TABLE directory_members (
    school   TEXT NOT NULL,
    grp      TEXT NOT NULL,
    person   TEXT NOT NULL,
    from_on  TEXT NOT NULL DEFAULT '',
    until_on TEXT NOT NULL DEFAULT '',     -- first day on which the person is no longer in it
    PRIMARY KEY (school, grp, person),
    FOREIGN KEY (school, grp) REFERENCES directory_groups (school, id),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
CREATE TABLE directory_imports (
    school      TEXT NOT NULL REFERENCES database_schools (id),
    id          TEXT NOT NULL,
    at          TIMESTAMP NOT NULL,
    by          TEXT NOT NULL,
    dialect     TEXT NOT NULL,
    source_date TEXT NOT NULL,
    digest      TEXT NOT NULL,             -- of what was read for this school
    PRIMARY KEY (school, id)
);
CREATE TABLE directory_tasks (
    school    TEXT NOT NULL,
    id        TEXT NOT NULL,
    kind      TEXT NOT NULL,
    person    TEXT NOT NULL,
    opened_at TIMESTAMP NOT NULL,
    closed_at TIMESTAMP,
    closed_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
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
CREATE TABLE account_sessions (
    id         TEXT PRIMARY KEY,
    account    TEXT NOT NULL REFERENCES account_accounts (id),
    browser    TEXT NOT NULL DEFAULT '',       -- what its owner recognises it by
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);
CREATE TABLE account_attempts (
    bucket     TEXT PRIMARY KEY,
    failures   INTEGER NOT NULL,
    wait_until TIMESTAMP NOT NULL              -- no password is tried before
);
CREATE TABLE timetable_sittings (
    school       TEXT NOT NULL REFERENCES database_schools (id),
    id           TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('lesson', 'half-day', 'study', 'canteen', 'dormitory', 'outing', 'exam')),
    label        TEXT NOT NULL,             -- what people read: Mathématiques
    short_label  TEXT NOT NULL,             -- in GSM characters, for messages: maths
    day          TEXT NOT NULL,             -- local date of the start
    starts_at    TIMESTAMP NOT NULL,
    ends_at      TIMESTAMP NOT NULL,
    room         TEXT NOT NULL DEFAULT '',
    source       TEXT NOT NULL CHECK (source IN ('page', 'call', 'ical', 'fictional')),
    source_key   TEXT NOT NULL,
    cancelled_at TIMESTAMP,
    PRIMARY KEY (school, id),
    UNIQUE (school, source, source_key),
    CHECK (ends_at > starts_at)
);
CREATE TABLE timetable_sitting_groups (
    school  TEXT NOT NULL,
    sitting TEXT NOT NULL,
    grp     TEXT NOT NULL,
    PRIMARY KEY (school, sitting, grp),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id),
    FOREIGN KEY (school, grp) REFERENCES directory_groups (school, id)
);
CREATE TABLE timetable_sitting_staff (
    school   TEXT NOT NULL,
    sitting  TEXT NOT NULL,
    person   TEXT NOT NULL,
    taken_at TIMESTAMP,                     -- not foreseen: took the sitting over then
    PRIMARY KEY (school, sitting, person),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id),
    FOREIGN KEY (school, person) REFERENCES directory_people (school, id)
);
CREATE TABLE timetable_closures (
    school   TEXT NOT NULL REFERENCES database_schools (id),
    id       TEXT NOT NULL,
    from_on  TEXT NOT NULL,
    until_on TEXT NOT NULL,                 -- last day of it
    reason   TEXT NOT NULL,
    PRIMARY KEY (school, id)
);
CREATE TABLE attendance_rolls (
    school         TEXT NOT NULL,
    sitting        TEXT NOT NULL,
    day            TEXT NOT NULL,            -- local date of the sitting
    first_saved_at TIMESTAMP NOT NULL,
    first_saved_by TEXT NOT NULL,
    saved_at       TIMESTAMP NOT NULL,
    saved_by       TEXT NOT NULL,
    PRIMARY KEY (school, sitting),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id)
);
CREATE TABLE attendance_marks (
    school  TEXT   NOT NULL,
    n       BIGINT NOT NULL CHECK (n > 0),
    sitting TEXT   NOT NULL,
    day     TEXT   NOT NULL,                 -- local date of the sitting
    pupil   TEXT   NOT NULL,
    value   TEXT   NOT NULL CHECK (value IN ('present', 'absent', 'late')),
    minutes INTEGER NOT NULL DEFAULT 0,     -- of lateness
    by      TEXT   NOT NULL,                -- account
    at      TIMESTAMP NOT NULL,
    origin  TEXT   NOT NULL CHECK (origin IN ('roll', 'office')),
    PRIMARY KEY (school, n),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);
CREATE TABLE attendance_undecided (
    school TEXT   NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (school, n),
    FOREIGN KEY (school, n) REFERENCES attendance_marks (school, n)
);
CREATE TABLE attendance_statements (
    school       TEXT NOT NULL,
    id           TEXT NOT NULL,
    pupil        TEXT NOT NULL,
    says         TEXT NOT NULL CHECK (says IN ('elsewhere', 'inside')),
    reason       TEXT NOT NULL,             -- a code from the list
    from_at      TIMESTAMP NOT NULL,
    until_at     TIMESTAMP NOT NULL,
    by           TEXT NOT NULL,
    at           TIMESTAMP NOT NULL,
    withdrawn_at TIMESTAMP,
    PRIMARY KEY (school, id),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id)
);
CREATE TABLE courier_letters (
    school     TEXT NOT NULL,
    id         TEXT NOT NULL,
    code       TEXT NOT NULL,               -- the reference that a family reads
    kind       TEXT NOT NULL CHECK (kind IN ('absence', 'arrived', 'correction')),
    ref        TEXT NOT NULL,               -- what it is about, known to who wrote it
    pupil      TEXT NOT NULL,
    person     TEXT NOT NULL,
    contact    TEXT NOT NULL,
    channel    TEXT NOT NULL CHECK (channel IN ('email', 'sms')),
    lang       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    body       TEXT NOT NULL,               -- emptied by the purge
    digest     TEXT NOT NULL,               -- keyed digest of subject and body
    message_id TEXT NOT NULL,               -- the same on a second attempt
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'leaving', 'left', 'delivered', 'unheard', 'refused', 'unsure', 'void')),
    because    TEXT NOT NULL DEFAULT '',    -- of refused, unsure, void
    attempts   INTEGER NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL,
    due_at     TIMESTAMP NOT NULL,          -- not claimed before
    expires_at TIMESTAMP NOT NULL,          -- no byte of it after
    leaving_at TIMESTAMP,                   -- of the last attempt
    settled_at TIMESTAMP,                   -- of the last answer
    PRIMARY KEY (school, id),
    UNIQUE (code),                          -- in the whole installation: explain finds one
    UNIQUE (school, kind, ref, pupil, person, channel, contact),
    CHECK (leaving_at IS NULL OR leaving_at < expires_at),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id),
    FOREIGN KEY (school, contact, person) REFERENCES directory_contacts (school, id, person)
);
CREATE TABLE courier_attempts (
    school     TEXT NOT NULL,
    letter     TEXT NOT NULL,
    n          INTEGER NOT NULL,
    instance   TEXT NOT NULL,               -- the running program that spoke
    carrier    TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at   TIMESTAMP,
    outcome    TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'accepted', 'refused', 'later', 'not_written', 'unsure')),
    answer     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (school, letter, n),
    FOREIGN KEY (school, letter) REFERENCES courier_letters (school, id)
);
CREATE TABLE courier_instances (
    id         TEXT PRIMARY KEY,
    started_at TIMESTAMP NOT NULL,
    seen_at    TIMESTAMP NOT NULL,
    ended_at   TIMESTAMP
);
CREATE TABLE alert_settings (
    school       TEXT PRIMARY KEY REFERENCES database_schools (id),
    hold_seconds INTEGER NOT NULL CHECK (hold_seconds BETWEEN 0 AND 3600)
);
CREATE TABLE alert_services (
    school     TEXT NOT NULL REFERENCES database_schools (id),
    id         TEXT NOT NULL,
    asked_by   TEXT NOT NULL,
    asked_role TEXT NOT NULL,               -- one of the two is the head
    asked_at   TIMESTAMP NOT NULL,
    until_on   TEXT NOT NULL,               -- last day
    opened_by  TEXT NOT NULL DEFAULT '',
    opened_at  TIMESTAMP,
    closed_by  TEXT NOT NULL DEFAULT '',
    closed_at  TIMESTAMP,
    PRIMARY KEY (school, id),
    CHECK (opened_by <> asked_by)
);
CREATE TABLE alert_episodes (
    school     TEXT NOT NULL,
    id         TEXT NOT NULL,
    pupil      TEXT NOT NULL,
    half_day   TEXT NOT NULL,               -- 2026-11-24/am
    seq        INTEGER NOT NULL,
    mark       BIGINT NOT NULL,             -- the first mark that says absent
    sitting    TEXT NOT NULL,
    first_at   TIMESTAMP NOT NULL,
    leaves_at  TIMESTAMP NOT NULL,          -- first_at plus the hold
    expires_at TIMESTAMP NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('held', 'told', 'withdrawn', 'untold', 'over')),
    because    TEXT NOT NULL DEFAULT '',
    settled_at TIMESTAMP,
    PRIMARY KEY (school, id),
    UNIQUE (school, pupil, half_day, seq),
    UNIQUE (school, mark),
    UNIQUE (school, id, pupil),
    FOREIGN KEY (school, mark) REFERENCES attendance_marks (school, n),
    FOREIGN KEY (school, pupil) REFERENCES directory_people (school, id),
    FOREIGN KEY (school, sitting) REFERENCES timetable_sittings (school, id)
);
CREATE TABLE alert_decisions (
    school   TEXT NOT NULL,
    mark     BIGINT NOT NULL,
    decision TEXT NOT NULL,
    because  TEXT NOT NULL,
    episode  TEXT,
    at       TIMESTAMP NOT NULL,
    PRIMARY KEY (school, mark),
    FOREIGN KEY (school, mark) REFERENCES attendance_marks (school, n),
    FOREIGN KEY (school, episode) REFERENCES alert_episodes (school, id)
);
CREATE TABLE alert_letters (
    school  TEXT NOT NULL,
    letter  TEXT NOT NULL,
    episode TEXT NOT NULL,
    pupil   TEXT NOT NULL,
    person  TEXT NOT NULL,
    channel TEXT NOT NULL,
    contact TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('absence', 'arrived', 'correction')),
    mark    BIGINT NOT NULL,                -- the mark that made it
    answers TEXT,                           -- arrived and correction: the letter it follows
    PRIMARY KEY (school, letter),
    UNIQUE (school, episode, person, channel, contact, kind),
    FOREIGN KEY (school, letter) REFERENCES courier_letters (school, id),
    FOREIGN KEY (school, episode, pupil) REFERENCES alert_episodes (school, id, pupil),
    FOREIGN KEY (school, mark) REFERENCES attendance_marks (school, n),
    FOREIGN KEY (school, answers) REFERENCES alert_letters (school, letter),
    CHECK ((kind = 'absence') = (answers IS NULL))
);
CREATE TABLE alert_calls (
    school    TEXT NOT NULL,
    id        TEXT NOT NULL,
    episode   TEXT NOT NULL,
    pupil     TEXT NOT NULL,
    adult     TEXT NOT NULL,                -- empty: nobody to name
    because   TEXT NOT NULL,
    opened_at TIMESTAMP NOT NULL,
    outcome   TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'reached', 'machine', 'no_answer', 'wrong_number', 'not_needed')),
    closed_at TIMESTAMP,
    closed_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (school, id),
    UNIQUE (school, episode, adult),
    FOREIGN KEY (school, episode, pupil) REFERENCES alert_episodes (school, id, pupil),
    CHECK ((outcome = '') = (closed_at IS NULL))
);
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (1, 0, 1, '2026-11-22 08:19:57');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (2, 1, 1, '2026-11-22 08:19:57');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (3, 2, 1, '2026-11-22 08:19:57');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (4, 3, 1, '2026-11-22 08:19:57');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (5, 4, 1, '2026-11-22 08:19:57');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (6, 5, 1, '2026-11-22 08:19:57');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (7, 6, 1, '2026-11-22 08:19:57');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (8, 7, 1, '2026-11-22 08:19:57');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (9, 8, 1, '2026-11-22 08:19:57');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (10, 9, 1, '2026-11-22 08:19:57');
INSERT INTO database_schools (id) VALUES ('s');
INSERT INTO journal_lines (school, year, seq, at, act, actor, subject, detail, mac) VALUES ('s', '2026-2027', 1, '2026-11-24T07:00:00.000000Z', 'import', 'x', 's', '{}', 'aa');
INSERT INTO directory_schools (id, uai, source_key, name, short_name, kind, zone, region, lang, phone) VALUES ('s', '9990001X', '', 'Lycée', 'Lycee', 'lycee', 'Europe/Paris', 'FR', 'fr', '');
INSERT INTO directory_people (school, id, kind, source, source_key, last_name, first_name, born, lang, left_on) VALUES ('s', 'p', 'pupil', 'fictional', 'p', 'Benali', 'Léa', '', '', '');
CREATE INDEX journal_lines_subject ON journal_lines (school, subject);
CREATE INDEX directory_people_kind ON directory_people (school, kind, left_on);
CREATE INDEX directory_contacts_address ON directory_contacts (school, channel, address);
CREATE INDEX directory_links_adult ON directory_links (school, adult);
CREATE INDEX directory_decisions_pupil ON directory_decisions (school, pupil);
CREATE INDEX directory_members_person ON directory_members (school, person);
CREATE UNIQUE INDEX account_accounts_person ON account_accounts (school, person, role);
CREATE UNIQUE INDEX account_accounts_code ON account_accounts (code_hash) WHERE code_hash <> '';
CREATE INDEX account_sessions_account ON account_sessions (account);
CREATE INDEX timetable_sittings_day ON timetable_sittings (school, day, starts_at);
CREATE INDEX timetable_sitting_groups_grp ON timetable_sitting_groups (school, grp);
CREATE INDEX timetable_sitting_staff_person ON timetable_sitting_staff (school, person);
CREATE INDEX attendance_rolls_day ON attendance_rolls (school, day, sitting);
CREATE INDEX attendance_marks_sitting ON attendance_marks (school, sitting, pupil, n);
CREATE INDEX attendance_marks_day ON attendance_marks (school, day, pupil, n);
CREATE INDEX attendance_marks_absent ON attendance_marks (school, day, pupil, n) WHERE value = 'absent';
CREATE INDEX attendance_statements_pupil ON attendance_statements (school, pupil, until_at);
CREATE INDEX courier_letters_due ON courier_letters (school, due_at) WHERE state IN ('waiting', 'leaving', 'unsure');
CREATE INDEX courier_letters_ref ON courier_letters (school, ref);
CREATE INDEX courier_letters_contact ON courier_letters (school, contact, created_at);
CREATE INDEX alert_episodes_state ON alert_episodes (school, state, leaves_at);
CREATE INDEX alert_episodes_day ON alert_episodes (school, half_day);
CREATE INDEX alert_episodes_held ON alert_episodes (state, school);
CREATE INDEX alert_episodes_told ON alert_episodes (school, first_at) WHERE state = 'told';
CREATE INDEX alert_episodes_over ON alert_episodes (school, settled_at) WHERE state = 'over';
CREATE INDEX alert_episodes_first ON alert_episodes (first_at);
CREATE INDEX alert_decisions_episode ON alert_decisions (school, episode) WHERE episode IS NOT NULL;
CREATE INDEX alert_calls_open ON alert_calls (school, opened_at) WHERE outcome = '';
CREATE TRIGGER journal_lines_order BEFORE INSERT ON journal_lines
WHEN EXISTS (SELECT 1 FROM journal_lines WHERE rowid = NEW.rowid) OR NEW.seq <> 1 + (SELECT coalesce(max(seq), 0) FROM journal_lines WHERE school = NEW.school AND year = NEW.year)
BEGIN SELECT RAISE(ABORT, 'journal: a line follows the last one'); END;
CREATE TRIGGER journal_lines_update BEFORE UPDATE ON journal_lines
BEGIN SELECT RAISE(ABORT, 'journal: lines are never changed'); END;
CREATE TRIGGER journal_lines_delete BEFORE DELETE ON journal_lines
BEGIN SELECT RAISE(ABORT, 'journal: lines are never deleted'); END;
CREATE TRIGGER attendance_marks_order BEFORE INSERT ON attendance_marks
WHEN EXISTS (SELECT 1 FROM attendance_marks WHERE rowid = NEW.rowid) OR NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM attendance_marks WHERE school = NEW.school)
BEGIN SELECT RAISE(ABORT, 'attendance: marks are numbered without a gap'); END;
CREATE TRIGGER attendance_marks_update BEFORE UPDATE ON attendance_marks
BEGIN SELECT RAISE(ABORT, 'attendance: marks are never changed'); END;
CREATE TRIGGER attendance_marks_delete BEFORE DELETE ON attendance_marks
BEGIN SELECT RAISE(ABORT, 'attendance: marks are never deleted'); END;
CREATE TRIGGER courier_letters_new BEFORE INSERT ON courier_letters
WHEN EXISTS (SELECT 1 FROM courier_letters WHERE rowid = NEW.rowid) OR NEW.state <> 'waiting' OR NEW.attempts <> 0 OR NEW.leaving_at IS NOT NULL OR NEW.because <> ''
  OR EXISTS (SELECT 1 FROM courier_letters WHERE code = NEW.code)
  OR EXISTS (SELECT 1 FROM courier_letters WHERE school = NEW.school AND (id = NEW.id
     OR (kind = NEW.kind AND ref = NEW.ref AND pupil = NEW.pupil AND person = NEW.person AND channel = NEW.channel AND contact = NEW.contact)))
BEGIN SELECT RAISE(ABORT, 'courier: a letter begins waiting, once'); END;
CREATE TRIGGER courier_letters_words BEFORE UPDATE ON courier_letters
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.code IS NOT OLD.code OR NEW.kind IS NOT OLD.kind
  OR NEW.ref IS NOT OLD.ref OR NEW.pupil IS NOT OLD.pupil OR NEW.person IS NOT OLD.person OR NEW.contact IS NOT OLD.contact
  OR NEW.channel IS NOT OLD.channel OR NEW.digest IS NOT OLD.digest OR NEW.message_id IS NOT OLD.message_id
  OR NEW.created_at IS NOT OLD.created_at OR NEW.expires_at IS NOT OLD.expires_at
  OR (NEW.body IS NOT OLD.body AND (NEW.body <> '' OR OLD.state IN ('waiting', 'leaving')))
  OR (NEW.subject IS NOT OLD.subject AND (NEW.subject <> '' OR OLD.state IN ('waiting', 'leaving')))
BEGIN SELECT RAISE(ABORT, 'courier: a letter keeps its words and its recipient'); END;
CREATE TRIGGER courier_letters_forward BEFORE UPDATE OF state ON courier_letters
WHEN OLD.state <> NEW.state AND NOT (
     (OLD.state = 'waiting' AND NEW.state IN ('leaving', 'void', 'refused'))
  OR (OLD.state = 'leaving' AND NEW.state IN ('left', 'refused', 'unsure', 'void'))
  OR (OLD.state = 'leaving' AND NEW.state = 'waiting' AND EXISTS (SELECT 1 FROM courier_attempts a WHERE a.school = OLD.school AND a.letter = OLD.id
      AND a.n = OLD.attempts AND a.outcome IN ('later', 'not_written')))
  OR (OLD.state = 'unsure'  AND NEW.state IN ('left', 'delivered', 'refused', 'unheard'))
  OR (OLD.state = 'unsure'  AND NEW.state = 'leaving' AND OLD.channel = 'email' AND OLD.attempts = 1)
  OR (OLD.state = 'left'    AND NEW.state IN ('delivered', 'unheard', 'refused'))
  OR (OLD.state = 'unheard' AND NEW.state = 'delivered'))
BEGIN SELECT RAISE(ABORT, 'courier: a state only moves forward'); END;
CREATE TRIGGER courier_letters_attempts BEFORE UPDATE ON courier_letters
WHEN NEW.attempts < OLD.attempts OR NEW.attempts > OLD.attempts + 1
  OR (NEW.attempts <> OLD.attempts AND NEW.state <> 'leaving')
  OR (OLD.state <> 'leaving' AND NEW.state = 'leaving' AND NEW.attempts <> OLD.attempts + 1)
BEGIN SELECT RAISE(ABORT, 'courier: leaving is one attempt more'); END;
CREATE TRIGGER courier_letters_delete BEFORE DELETE ON courier_letters
BEGIN SELECT RAISE(ABORT, 'courier: letters are never deleted'); END;
CREATE TRIGGER courier_attempts_new BEFORE INSERT ON courier_attempts
WHEN EXISTS (SELECT 1 FROM courier_attempts WHERE rowid = NEW.rowid) OR NEW.outcome <> '' OR NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM courier_attempts WHERE school = NEW.school AND letter = NEW.letter)
BEGIN SELECT RAISE(ABORT, 'courier: an attempt begins without an outcome, in order'); END;
CREATE TRIGGER courier_attempts_settled BEFORE UPDATE ON courier_attempts
WHEN OLD.outcome <> '' OR NEW.school IS NOT OLD.school OR NEW.letter IS NOT OLD.letter OR NEW.n IS NOT OLD.n
  OR NEW.instance IS NOT OLD.instance OR NEW.carrier IS NOT OLD.carrier OR NEW.started_at IS NOT OLD.started_at
BEGIN SELECT RAISE(ABORT, 'courier: an attempt has one outcome'); END;
CREATE TRIGGER courier_attempts_delete BEFORE DELETE ON courier_attempts
BEGIN SELECT RAISE(ABORT, 'courier: attempts are never deleted'); END;
CREATE TRIGGER alert_decisions_new BEFORE INSERT ON alert_decisions
WHEN EXISTS (SELECT 1 FROM alert_decisions WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM alert_decisions WHERE school = NEW.school AND mark = NEW.mark)
BEGIN SELECT RAISE(ABORT, 'alert: one decision a mark'); END;
CREATE TRIGGER alert_decisions_update BEFORE UPDATE ON alert_decisions
BEGIN SELECT RAISE(ABORT, 'alert: decisions are never changed'); END;
CREATE TRIGGER alert_decisions_delete BEFORE DELETE ON alert_decisions
BEGIN SELECT RAISE(ABORT, 'alert: decisions are never deleted'); END;
CREATE TRIGGER alert_episodes_new BEFORE INSERT ON alert_episodes
WHEN EXISTS (SELECT 1 FROM alert_episodes WHERE rowid = NEW.rowid) OR NEW.state NOT IN ('held', 'untold')
  OR (SELECT value FROM attendance_marks WHERE school = NEW.school AND n = NEW.mark) IS NOT 'absent'
  OR (SELECT pupil FROM attendance_marks WHERE school = NEW.school AND n = NEW.mark) IS NOT NEW.pupil
  OR (SELECT sitting FROM attendance_marks WHERE school = NEW.school AND n = NEW.mark) IS NOT NEW.sitting
  OR NEW.half_day NOT IN (SELECT day || part FROM attendance_marks, (SELECT '/am' AS part UNION ALL SELECT '/pm') WHERE school = NEW.school AND n = NEW.mark)
  OR EXISTS (SELECT 1 FROM alert_episodes WHERE school = NEW.school AND pupil = NEW.pupil AND half_day = NEW.half_day AND state IN ('held', 'told', 'untold'))
  OR EXISTS (SELECT 1 FROM alert_episodes WHERE school = NEW.school AND (id = NEW.id OR mark = NEW.mark
     OR (pupil = NEW.pupil AND half_day = NEW.half_day AND seq = NEW.seq)))
BEGIN SELECT RAISE(ABORT, 'alert: an episode begins with an absent mark of its pupil, once'); END;
CREATE TRIGGER alert_episodes_forward BEFORE UPDATE ON alert_episodes
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.pupil IS NOT OLD.pupil OR NEW.mark IS NOT OLD.mark
  OR NEW.half_day IS NOT OLD.half_day OR NEW.seq IS NOT OLD.seq OR NEW.sitting IS NOT OLD.sitting OR NEW.first_at IS NOT OLD.first_at OR NEW.leaves_at IS NOT OLD.leaves_at OR NEW.expires_at IS NOT OLD.expires_at
  OR (OLD.state <> NEW.state AND NOT (
     (OLD.state = 'held' AND NEW.state IN ('told', 'withdrawn', 'untold'))
  OR (OLD.state IN ('told', 'untold') AND NEW.state = 'over')))
BEGIN SELECT RAISE(ABORT, 'alert: an episode only moves forward'); END;
CREATE TRIGGER alert_episodes_delete BEFORE DELETE ON alert_episodes
BEGIN SELECT RAISE(ABORT, 'alert: episodes are never deleted'); END;
CREATE TRIGGER alert_letters_new BEFORE INSERT ON alert_letters
WHEN EXISTS (SELECT 1 FROM alert_letters WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM alert_letters WHERE school = NEW.school AND (letter = NEW.letter
     OR (episode = NEW.episode AND person = NEW.person AND channel = NEW.channel AND contact = NEW.contact AND kind = NEW.kind)))
  OR NOT EXISTS (SELECT 1 FROM courier_letters l WHERE l.school = NEW.school AND l.id = NEW.letter AND l.kind = NEW.kind AND l.ref = NEW.episode
     AND l.pupil = NEW.pupil AND l.person = NEW.person AND l.channel = NEW.channel AND l.contact = NEW.contact)
  OR (NEW.answers IS NOT NULL AND NOT EXISTS (SELECT 1 FROM alert_letters a WHERE a.school = NEW.school AND a.letter = NEW.answers
     AND a.kind = 'absence' AND a.episode = NEW.episode AND a.person = NEW.person AND a.channel = NEW.channel AND a.contact = NEW.contact))
BEGIN SELECT RAISE(ABORT, 'alert: a letter speaks of its own episode, to its own recipient, once'); END;
CREATE TRIGGER alert_letters_update BEFORE UPDATE ON alert_letters
BEGIN SELECT RAISE(ABORT, 'alert: what a letter speaks for is never changed'); END;
CREATE TRIGGER alert_letters_delete BEFORE DELETE ON alert_letters
BEGIN SELECT RAISE(ABORT, 'alert: what a letter speaks for is never deleted'); END;
CREATE TRIGGER alert_calls_closed BEFORE UPDATE ON alert_calls
WHEN OLD.outcome <> '' OR NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.episode IS NOT OLD.episode OR NEW.adult IS NOT OLD.adult OR NEW.pupil IS NOT OLD.pupil
BEGIN SELECT RAISE(ABORT, 'alert: a telephone row is closed once, by an outcome'); END;
CREATE TRIGGER alert_calls_delete BEFORE DELETE ON alert_calls
BEGIN SELECT RAISE(ABORT, 'alert: telephone rows are never deleted'); END;
CREATE TRIGGER directory_contacts_words BEFORE UPDATE ON directory_contacts
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.person IS NOT OLD.person OR NEW.channel IS NOT OLD.channel OR NEW.address IS NOT OLD.address
BEGIN SELECT RAISE(ABORT, 'directory: a contact point keeps its address and its person'); END;
CREATE TRIGGER directory_contacts_new BEFORE INSERT ON directory_contacts
WHEN EXISTS (SELECT 1 FROM directory_contacts WHERE rowid = NEW.rowid OR (school = NEW.school AND (id = NEW.id OR (person = NEW.person AND channel = NEW.channel AND address = NEW.address))))
BEGIN SELECT RAISE(ABORT, 'directory: a contact point is added once'); END;
CREATE TRIGGER directory_contacts_delete BEFORE DELETE ON directory_contacts
BEGIN SELECT RAISE(ABORT, 'directory: contact points are ended, not deleted'); END;
CREATE TRIGGER directory_decisions_lifted BEFORE UPDATE ON directory_decisions
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.pupil IS NOT OLD.pupil OR NEW.adult IS NOT OLD.adult OR NEW.reference IS NOT OLD.reference OR NEW.from_on IS NOT OLD.from_on OR NEW.until_on IS NOT OLD.until_on OR NEW.recorded_by IS NOT OLD.recorded_by OR NEW.recorded_at IS NOT OLD.recorded_at OR OLD.lifted_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'directory: a decision is lifted, never changed or removed'); END;
CREATE TRIGGER directory_decisions_new BEFORE INSERT ON directory_decisions
WHEN NEW.lifted_at IS NOT NULL OR EXISTS (SELECT 1 FROM directory_decisions WHERE rowid = NEW.rowid OR (school = NEW.school AND id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'directory: a decision is lifted, never changed or removed'); END;
CREATE TRIGGER directory_decisions_delete BEFORE DELETE ON directory_decisions
BEGIN SELECT RAISE(ABORT, 'directory: a decision is lifted, never changed or removed'); END;
CREATE TRIGGER directory_objections_lifted BEFORE UPDATE ON directory_objections
WHEN NEW.school IS NOT OLD.school OR NEW.id IS NOT OLD.id OR NEW.pupil IS NOT OLD.pupil OR NEW.reference IS NOT OLD.reference OR NEW.recorded_by IS NOT OLD.recorded_by OR NEW.recorded_at IS NOT OLD.recorded_at OR OLD.withdrawn_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'directory: an objection is withdrawn, never changed or removed'); END;
CREATE TRIGGER directory_objections_new BEFORE INSERT ON directory_objections
WHEN NEW.withdrawn_at IS NOT NULL OR EXISTS (SELECT 1 FROM directory_objections WHERE rowid = NEW.rowid OR (school = NEW.school AND id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'directory: an objection is withdrawn, never changed or removed'); END;
CREATE TRIGGER directory_objections_delete BEFORE DELETE ON directory_objections
BEGIN SELECT RAISE(ABORT, 'directory: an objection is withdrawn, never changed or removed'); END;
