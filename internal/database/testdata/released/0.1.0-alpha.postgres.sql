CREATE FUNCTION public.alert_calls_guard() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.outcome <> '' OR (NEW.school, NEW.id, NEW.episode, NEW.adult, NEW.pupil) IS DISTINCT FROM (OLD.school, OLD.id, OLD.episode, OLD.adult, OLD.pupil) THEN
        RAISE EXCEPTION 'alert: a telephone row is closed once, by an outcome' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.alert_episodes_guard() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state NOT IN ('held', 'untold')
           OR NOT EXISTS (SELECT 1 FROM attendance_marks WHERE school = NEW.school AND n = NEW.mark AND pupil = NEW.pupil AND value = 'absent'
               AND sitting = NEW.sitting AND NEW.half_day IN (day || '/am', day || '/pm'))
           OR EXISTS (SELECT 1 FROM alert_episodes WHERE school = NEW.school AND pupil = NEW.pupil AND half_day = NEW.half_day AND state IN ('held', 'told', 'untold')) THEN
            RAISE EXCEPTION 'alert: an episode begins with an absent mark of its pupil, once' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF (NEW.school, NEW.id, NEW.pupil, NEW.mark, NEW.sitting, NEW.half_day, NEW.seq, NEW.first_at, NEW.leaves_at, NEW.expires_at)
          IS DISTINCT FROM (OLD.school, OLD.id, OLD.pupil, OLD.mark, OLD.sitting, OLD.half_day, OLD.seq, OLD.first_at, OLD.leaves_at, OLD.expires_at)
       OR (OLD.state <> NEW.state AND NOT (
              (OLD.state = 'held' AND NEW.state IN ('told', 'withdrawn', 'untold'))
           OR (OLD.state IN ('told', 'untold') AND NEW.state = 'over'))) THEN
        RAISE EXCEPTION 'alert: an episode only moves forward' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.alert_letters_guard() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM courier_letters l WHERE l.school = NEW.school AND l.id = NEW.letter AND l.kind = NEW.kind AND l.ref = NEW.episode
           AND l.pupil = NEW.pupil AND l.person = NEW.person AND l.channel = NEW.channel AND l.contact = NEW.contact)
       OR (NEW.answers IS NOT NULL AND NOT EXISTS (SELECT 1 FROM alert_letters a WHERE a.school = NEW.school AND a.letter = NEW.answers
           AND a.kind = 'absence' AND a.episode = NEW.episode AND a.person = NEW.person AND a.channel = NEW.channel AND a.contact = NEW.contact)) THEN
        RAISE EXCEPTION 'alert: a letter speaks of its own episode, to its own recipient, once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.attendance_marks_order() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM attendance_marks WHERE school = NEW.school) THEN
        RAISE EXCEPTION 'attendance: marks are numbered without a gap' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.courier_attempts_guard() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.outcome <> '' OR NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM courier_attempts WHERE school = NEW.school AND letter = NEW.letter) THEN
            RAISE EXCEPTION 'courier: an attempt begins without an outcome, in order' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF OLD.outcome <> '' OR (NEW.school, NEW.letter, NEW.n, NEW.instance, NEW.carrier, NEW.started_at)
          IS DISTINCT FROM (OLD.school, OLD.letter, OLD.n, OLD.instance, OLD.carrier, OLD.started_at) THEN
        RAISE EXCEPTION 'courier: an attempt has one outcome' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.courier_letters_guard() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'waiting' OR NEW.attempts <> 0 OR NEW.leaving_at IS NOT NULL OR NEW.because <> '' THEN
            RAISE EXCEPTION 'courier: a letter begins waiting, once' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.school, NEW.id, NEW.code, NEW.kind, NEW.ref, NEW.pupil, NEW.person, NEW.contact, NEW.channel, NEW.digest, NEW.message_id, NEW.created_at, NEW.expires_at)
       IS DISTINCT FROM
       (OLD.school, OLD.id, OLD.code, OLD.kind, OLD.ref, OLD.pupil, OLD.person, OLD.contact, OLD.channel, OLD.digest, OLD.message_id, OLD.created_at, OLD.expires_at)
       OR (NEW.body IS DISTINCT FROM OLD.body AND (NEW.body <> '' OR OLD.state IN ('waiting', 'leaving')))
       OR (NEW.subject IS DISTINCT FROM OLD.subject AND (NEW.subject <> '' OR OLD.state IN ('waiting', 'leaving'))) THEN
        RAISE EXCEPTION 'courier: a letter keeps its words and its recipient' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state <> NEW.state AND NOT (
           (OLD.state = 'waiting' AND NEW.state IN ('leaving', 'void', 'refused'))
        OR (OLD.state = 'leaving' AND NEW.state IN ('left', 'refused', 'unsure', 'void'))
        OR (OLD.state = 'leaving' AND NEW.state = 'waiting' AND EXISTS (SELECT 1 FROM courier_attempts a WHERE a.school = OLD.school AND a.letter = OLD.id
            AND a.n = OLD.attempts AND a.outcome IN ('later', 'not_written')))
        OR (OLD.state = 'unsure'  AND NEW.state IN ('left', 'delivered', 'refused', 'unheard'))
        OR (OLD.state = 'unsure'  AND NEW.state = 'leaving' AND OLD.channel = 'email' AND OLD.attempts = 1)
        OR (OLD.state = 'left'    AND NEW.state IN ('delivered', 'unheard', 'refused'))
        OR (OLD.state = 'unheard' AND NEW.state = 'delivered')) THEN
        RAISE EXCEPTION 'courier: a state only moves forward' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.attempts < OLD.attempts OR NEW.attempts > OLD.attempts + 1
       OR (NEW.attempts <> OLD.attempts AND NEW.state <> 'leaving')
       OR (OLD.state <> 'leaving' AND NEW.state = 'leaving' AND NEW.attempts <> OLD.attempts + 1) THEN
        RAISE EXCEPTION 'courier: leaving is one attempt more' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.database_refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION public.directory_contacts_guard() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF (NEW.school, NEW.id, NEW.person, NEW.channel, NEW.address) IS DISTINCT FROM (OLD.school, OLD.id, OLD.person, OLD.channel, OLD.address) THEN
        RAISE EXCEPTION 'directory: a contact point keeps its address and its person, and is ended, not deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.directory_decisions_guard() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.lifted_at IS NOT NULL OR (NEW.school, NEW.id, NEW.pupil, NEW.adult, NEW.reference, NEW.from_on, NEW.until_on, NEW.recorded_by, NEW.recorded_at) IS DISTINCT FROM (OLD.school, OLD.id, OLD.pupil, OLD.adult, OLD.reference, OLD.from_on, OLD.until_on, OLD.recorded_by, OLD.recorded_at) THEN
        RAISE EXCEPTION 'directory: a decision is lifted, never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.directory_objections_guard() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL OR (NEW.school, NEW.id, NEW.pupil, NEW.reference, NEW.recorded_by, NEW.recorded_at) IS DISTINCT FROM (OLD.school, OLD.id, OLD.pupil, OLD.reference, OLD.recorded_by, OLD.recorded_at) THEN
        RAISE EXCEPTION 'directory: an objection is withdrawn, never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.journal_lines_order() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.seq <> 1 + (SELECT coalesce(max(seq), 0) FROM journal_lines WHERE school = NEW.school AND year = NEW.year) THEN
        RAISE EXCEPTION 'journal: a line follows the last one' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TABLE public.account_accounts (
    id text NOT NULL,
    school text,
    person text,
    role text NOT NULL,
    identifier text NOT NULL,
    password text DEFAULT ''::text NOT NULL,
    code_hash text DEFAULT ''::text NOT NULL,
    code_expires_at timestamp without time zone,
    created_at timestamp without time zone NOT NULL,
    disabled_at timestamp without time zone,
    CONSTRAINT account_accounts_check CHECK (((role = 'operator'::text) = (school IS NULL))),
    CONSTRAINT account_accounts_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'head'::text, 'cpe'::text, 'office'::text, 'teacher'::text, 'pupil'::text, 'guardian'::text])))
);
CREATE TABLE public.account_attempts (
    bucket text NOT NULL,
    failures integer NOT NULL,
    wait_until timestamp without time zone NOT NULL
);
CREATE TABLE public.account_sessions (
    id text NOT NULL,
    account text NOT NULL,
    browser text DEFAULT ''::text NOT NULL,
    created_at timestamp without time zone NOT NULL,
    expires_at timestamp without time zone NOT NULL,
    revoked_at timestamp without time zone
);
CREATE TABLE public.alert_calls (
    school text NOT NULL,
    id text NOT NULL,
    episode text NOT NULL,
    pupil text NOT NULL,
    adult text NOT NULL,
    because text NOT NULL,
    opened_at timestamp without time zone NOT NULL,
    outcome text DEFAULT ''::text NOT NULL,
    closed_at timestamp without time zone,
    closed_by text DEFAULT ''::text NOT NULL,
    CONSTRAINT alert_calls_check CHECK (((outcome = ''::text) = (closed_at IS NULL))),
    CONSTRAINT alert_calls_outcome_check CHECK ((outcome = ANY (ARRAY[''::text, 'reached'::text, 'machine'::text, 'no_answer'::text, 'wrong_number'::text, 'not_needed'::text])))
);
CREATE TABLE public.alert_decisions (
    school text NOT NULL,
    mark bigint NOT NULL,
    decision text NOT NULL,
    because text NOT NULL,
    episode text,
    at timestamp without time zone NOT NULL
);
CREATE TABLE public.alert_episodes (
    school text NOT NULL,
    id text NOT NULL,
    pupil text NOT NULL,
    half_day text NOT NULL,
    seq integer NOT NULL,
    mark bigint NOT NULL,
    sitting text NOT NULL,
    first_at timestamp without time zone NOT NULL,
    leaves_at timestamp without time zone NOT NULL,
    expires_at timestamp without time zone NOT NULL,
    state text NOT NULL,
    because text DEFAULT ''::text NOT NULL,
    settled_at timestamp without time zone,
    CONSTRAINT alert_episodes_state_check CHECK ((state = ANY (ARRAY['held'::text, 'told'::text, 'withdrawn'::text, 'untold'::text, 'over'::text])))
);
CREATE TABLE public.alert_letters (
    school text NOT NULL,
    letter text NOT NULL,
    episode text NOT NULL,
    pupil text NOT NULL,
    person text NOT NULL,
    channel text NOT NULL,
    contact text NOT NULL,
    kind text NOT NULL,
    mark bigint NOT NULL,
    answers text,
    CONSTRAINT alert_letters_check CHECK (((kind = 'absence'::text) = (answers IS NULL))),
    CONSTRAINT alert_letters_kind_check CHECK ((kind = ANY (ARRAY['absence'::text, 'arrived'::text, 'correction'::text])))
);
CREATE TABLE public.alert_services (
    school text NOT NULL,
    id text NOT NULL,
    asked_by text NOT NULL,
    asked_role text NOT NULL,
    asked_at timestamp without time zone NOT NULL,
    until_on text NOT NULL,
    opened_by text DEFAULT ''::text NOT NULL,
    opened_at timestamp without time zone,
    closed_by text DEFAULT ''::text NOT NULL,
    closed_at timestamp without time zone,
    CONSTRAINT alert_services_check CHECK ((opened_by <> asked_by))
);
CREATE TABLE public.alert_settings (
    school text NOT NULL,
    hold_seconds integer NOT NULL,
    CONSTRAINT alert_settings_hold_seconds_check CHECK (((hold_seconds >= 0) AND (hold_seconds <= 3600)))
);
CREATE TABLE public.attendance_marks (
    school text NOT NULL,
    n bigint NOT NULL,
    sitting text NOT NULL,
    day text NOT NULL,
    pupil text NOT NULL,
    value text NOT NULL,
    minutes integer DEFAULT 0 NOT NULL,
    by text NOT NULL,
    at timestamp without time zone NOT NULL,
    origin text NOT NULL,
    CONSTRAINT attendance_marks_n_check CHECK ((n > 0)),
    CONSTRAINT attendance_marks_origin_check CHECK ((origin = ANY (ARRAY['roll'::text, 'office'::text]))),
    CONSTRAINT attendance_marks_value_check CHECK ((value = ANY (ARRAY['present'::text, 'absent'::text, 'late'::text])))
);
CREATE TABLE public.attendance_rolls (
    school text NOT NULL,
    sitting text NOT NULL,
    day text NOT NULL,
    first_saved_at timestamp without time zone NOT NULL,
    first_saved_by text NOT NULL,
    saved_at timestamp without time zone NOT NULL,
    saved_by text NOT NULL
);
CREATE TABLE public.attendance_statements (
    school text NOT NULL,
    id text NOT NULL,
    pupil text NOT NULL,
    says text NOT NULL,
    reason text NOT NULL,
    from_at timestamp without time zone NOT NULL,
    until_at timestamp without time zone NOT NULL,
    by text NOT NULL,
    at timestamp without time zone NOT NULL,
    withdrawn_at timestamp without time zone,
    CONSTRAINT attendance_statements_says_check CHECK ((says = ANY (ARRAY['elsewhere'::text, 'inside'::text])))
);
CREATE TABLE public.attendance_undecided (
    school text NOT NULL,
    n bigint NOT NULL
);
CREATE TABLE public.courier_attempts (
    school text NOT NULL,
    letter text NOT NULL,
    n integer NOT NULL,
    instance text NOT NULL,
    carrier text NOT NULL,
    started_at timestamp without time zone NOT NULL,
    ended_at timestamp without time zone,
    outcome text DEFAULT ''::text NOT NULL,
    answer text DEFAULT ''::text NOT NULL,
    CONSTRAINT courier_attempts_outcome_check CHECK ((outcome = ANY (ARRAY[''::text, 'accepted'::text, 'refused'::text, 'later'::text, 'not_written'::text, 'unsure'::text])))
);
CREATE TABLE public.courier_instances (
    id text NOT NULL,
    started_at timestamp without time zone NOT NULL,
    seen_at timestamp without time zone NOT NULL,
    ended_at timestamp without time zone
);
CREATE TABLE public.courier_letters (
    school text NOT NULL,
    id text NOT NULL,
    code text NOT NULL,
    kind text NOT NULL,
    ref text NOT NULL,
    pupil text NOT NULL,
    person text NOT NULL,
    contact text NOT NULL,
    channel text NOT NULL,
    lang text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    digest text NOT NULL,
    message_id text NOT NULL,
    state text NOT NULL,
    because text DEFAULT ''::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    created_at timestamp without time zone NOT NULL,
    due_at timestamp without time zone NOT NULL,
    expires_at timestamp without time zone NOT NULL,
    leaving_at timestamp without time zone,
    settled_at timestamp without time zone,
    CONSTRAINT courier_letters_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text]))),
    CONSTRAINT courier_letters_check CHECK (((leaving_at IS NULL) OR (leaving_at < expires_at))),
    CONSTRAINT courier_letters_kind_check CHECK ((kind = ANY (ARRAY['absence'::text, 'arrived'::text, 'correction'::text]))),
    CONSTRAINT courier_letters_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'leaving'::text, 'left'::text, 'delivered'::text, 'unheard'::text, 'refused'::text, 'unsure'::text, 'void'::text])))
);
CREATE TABLE public.database_installation (
    one integer NOT NULL,
    id text NOT NULL,
    created_at timestamp without time zone NOT NULL,
    CONSTRAINT database_installation_one_check CHECK ((one = 1))
);
CREATE TABLE public.database_schools (
    id text NOT NULL
);
CREATE TABLE public.directory_contacts (
    school text NOT NULL,
    id text NOT NULL,
    person text NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    raw text NOT NULL,
    source text NOT NULL,
    verified_at timestamp without time zone,
    ended_at timestamp without time zone,
    CONSTRAINT directory_contacts_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text, 'phone'::text])))
);
CREATE TABLE public.directory_decisions (
    school text NOT NULL,
    id text NOT NULL,
    pupil text NOT NULL,
    adult text NOT NULL,
    reference text NOT NULL,
    from_on text NOT NULL,
    until_on text DEFAULT ''::text NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamp without time zone NOT NULL,
    lifted_by text DEFAULT ''::text NOT NULL,
    lifted_at timestamp without time zone
);
CREATE TABLE public.directory_groups (
    school text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    label text NOT NULL,
    CONSTRAINT directory_groups_kind_check CHECK ((kind = ANY (ARRAY['class'::text, 'group'::text])))
);
CREATE TABLE public.directory_imports (
    school text NOT NULL,
    id text NOT NULL,
    at timestamp without time zone NOT NULL,
    by text NOT NULL,
    dialect text NOT NULL,
    source_date text NOT NULL,
    digest text NOT NULL
);
CREATE TABLE public.directory_links (
    school text NOT NULL,
    pupil text NOT NULL,
    adult text NOT NULL,
    level text NOT NULL,
    kinship text DEFAULT ''::text NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    sms_consent text DEFAULT 'unknown'::text NOT NULL,
    raw text DEFAULT ''::text NOT NULL,
    source text NOT NULL,
    source_file text DEFAULT ''::text NOT NULL,
    source_date text DEFAULT ''::text NOT NULL,
    dialect text DEFAULT ''::text NOT NULL,
    chosen_by text DEFAULT ''::text NOT NULL,
    chosen_at timestamp without time zone,
    ended_at timestamp without time zone,
    CONSTRAINT directory_links_level_check CHECK ((level = ANY (ARRAY['legal'::text, 'carer'::text, 'contact'::text]))),
    CONSTRAINT directory_links_sms_consent_check CHECK ((sms_consent = ANY (ARRAY['yes'::text, 'no'::text, 'unknown'::text])))
);
CREATE TABLE public.directory_members (
    school text NOT NULL,
    grp text NOT NULL,
    person text NOT NULL,
    from_on text DEFAULT ''::text NOT NULL,
    until_on text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.directory_objections (
    school text NOT NULL,
    id text NOT NULL,
    pupil text NOT NULL,
    reference text NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamp without time zone NOT NULL,
    withdrawn_at timestamp without time zone
);
CREATE TABLE public.directory_people (
    school text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    source_key text NOT NULL,
    last_name text NOT NULL,
    first_name text NOT NULL,
    born text DEFAULT ''::text NOT NULL,
    lang text DEFAULT ''::text NOT NULL,
    left_on text DEFAULT ''::text NOT NULL,
    CONSTRAINT directory_people_kind_check CHECK ((kind = ANY (ARRAY['pupil'::text, 'adult'::text, 'staff'::text])))
);
CREATE TABLE public.directory_schools (
    id text NOT NULL,
    uai text NOT NULL,
    source_key text DEFAULT ''::text NOT NULL,
    name text NOT NULL,
    short_name text NOT NULL,
    kind text NOT NULL,
    zone text NOT NULL,
    region text NOT NULL,
    lang text NOT NULL,
    phone text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.directory_tasks (
    school text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    person text NOT NULL,
    opened_at timestamp without time zone NOT NULL,
    closed_at timestamp without time zone,
    closed_by text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.goose_db_version (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.goose_db_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.goose_db_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.journal_heads (
    school text NOT NULL,
    year text NOT NULL,
    seq bigint NOT NULL,
    mac text NOT NULL
);
CREATE TABLE public.journal_lines (
    school text NOT NULL,
    year text NOT NULL,
    seq bigint NOT NULL,
    at text NOT NULL,
    act text NOT NULL,
    actor text NOT NULL,
    subject text NOT NULL,
    detail text NOT NULL,
    mac text NOT NULL,
    CONSTRAINT journal_lines_seq_check CHECK ((seq > 0))
);
CREATE TABLE public.timetable_closures (
    school text NOT NULL,
    id text NOT NULL,
    from_on text NOT NULL,
    until_on text NOT NULL,
    reason text NOT NULL
);
CREATE TABLE public.timetable_sitting_groups (
    school text NOT NULL,
    sitting text NOT NULL,
    grp text NOT NULL
);
CREATE TABLE public.timetable_sitting_staff (
    school text NOT NULL,
    sitting text NOT NULL,
    person text NOT NULL,
    taken_at timestamp without time zone
);
CREATE TABLE public.timetable_sittings (
    school text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    label text NOT NULL,
    short_label text NOT NULL,
    day text NOT NULL,
    starts_at timestamp without time zone NOT NULL,
    ends_at timestamp without time zone NOT NULL,
    room text DEFAULT ''::text NOT NULL,
    source text NOT NULL,
    source_key text NOT NULL,
    cancelled_at timestamp without time zone,
    CONSTRAINT timetable_sittings_check CHECK ((ends_at > starts_at)),
    CONSTRAINT timetable_sittings_kind_check CHECK ((kind = ANY (ARRAY['lesson'::text, 'half-day'::text, 'study'::text, 'canteen'::text, 'dormitory'::text, 'outing'::text, 'exam'::text]))),
    CONSTRAINT timetable_sittings_source_check CHECK ((source = ANY (ARRAY['page'::text, 'call'::text, 'ical'::text, 'fictional'::text])))
);
INSERT INTO public.database_schools VALUES ('s');
INSERT INTO public.directory_people VALUES ('s', 'p', 'pupil', 'fictional', 'p', 'Benali', 'Léa', '', '', '');
INSERT INTO public.directory_schools VALUES ('s', '9990001X', '', 'Lycée', 'Lycee', 'lycee', 'Europe/Paris', 'FR', 'fr', '');
INSERT INTO public.goose_db_version VALUES (1, 0, true, '2026-11-22 08:19:57.440436');
INSERT INTO public.goose_db_version VALUES (2, 1, true, '2026-11-22 08:19:57.445588');
INSERT INTO public.goose_db_version VALUES (3, 2, true, '2026-11-22 08:19:57.451275');
INSERT INTO public.goose_db_version VALUES (4, 3, true, '2026-11-22 08:19:57.457866');
INSERT INTO public.goose_db_version VALUES (5, 4, true, '2026-11-22 08:19:57.494146');
INSERT INTO public.goose_db_version VALUES (6, 5, true, '2026-11-22 08:19:57.508493');
INSERT INTO public.goose_db_version VALUES (7, 6, true, '2026-11-22 08:19:57.523294');
INSERT INTO public.goose_db_version VALUES (8, 7, true, '2026-11-22 08:19:57.538823');
INSERT INTO public.goose_db_version VALUES (9, 8, true, '2026-11-22 08:19:57.551793');
INSERT INTO public.goose_db_version VALUES (10, 9, true, '2026-11-22 08:19:57.579233');
INSERT INTO public.journal_lines VALUES ('s', '2026-2027', 1, '2026-11-24T07:00:00.000000Z', 'import', 'x', 's', '{}', 'aa');
SELECT pg_catalog.setval('public.goose_db_version_id_seq', 10, true);
ALTER TABLE ONLY public.account_accounts
    ADD CONSTRAINT account_accounts_identifier_key UNIQUE (identifier);
ALTER TABLE ONLY public.account_accounts
    ADD CONSTRAINT account_accounts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.account_attempts
    ADD CONSTRAINT account_attempts_pkey PRIMARY KEY (bucket);
ALTER TABLE ONLY public.account_sessions
    ADD CONSTRAINT account_sessions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alert_calls
    ADD CONSTRAINT alert_calls_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.alert_calls
    ADD CONSTRAINT alert_calls_school_episode_adult_key UNIQUE (school, episode, adult);
ALTER TABLE ONLY public.alert_decisions
    ADD CONSTRAINT alert_decisions_pkey PRIMARY KEY (school, mark);
ALTER TABLE ONLY public.alert_episodes
    ADD CONSTRAINT alert_episodes_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.alert_episodes
    ADD CONSTRAINT alert_episodes_school_id_pupil_key UNIQUE (school, id, pupil);
ALTER TABLE ONLY public.alert_episodes
    ADD CONSTRAINT alert_episodes_school_mark_key UNIQUE (school, mark);
ALTER TABLE ONLY public.alert_episodes
    ADD CONSTRAINT alert_episodes_school_pupil_half_day_seq_key UNIQUE (school, pupil, half_day, seq);
ALTER TABLE ONLY public.alert_letters
    ADD CONSTRAINT alert_letters_pkey PRIMARY KEY (school, letter);
ALTER TABLE ONLY public.alert_letters
    ADD CONSTRAINT alert_letters_school_episode_person_channel_contact_kind_key UNIQUE (school, episode, person, channel, contact, kind);
ALTER TABLE ONLY public.alert_services
    ADD CONSTRAINT alert_services_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.alert_settings
    ADD CONSTRAINT alert_settings_pkey PRIMARY KEY (school);
ALTER TABLE ONLY public.attendance_marks
    ADD CONSTRAINT attendance_marks_pkey PRIMARY KEY (school, n);
ALTER TABLE ONLY public.attendance_rolls
    ADD CONSTRAINT attendance_rolls_pkey PRIMARY KEY (school, sitting);
ALTER TABLE ONLY public.attendance_statements
    ADD CONSTRAINT attendance_statements_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.attendance_undecided
    ADD CONSTRAINT attendance_undecided_pkey PRIMARY KEY (school, n);
ALTER TABLE ONLY public.courier_attempts
    ADD CONSTRAINT courier_attempts_pkey PRIMARY KEY (school, letter, n);
ALTER TABLE ONLY public.courier_instances
    ADD CONSTRAINT courier_instances_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.courier_letters
    ADD CONSTRAINT courier_letters_code_key UNIQUE (code);
ALTER TABLE ONLY public.courier_letters
    ADD CONSTRAINT courier_letters_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.courier_letters
    ADD CONSTRAINT courier_letters_school_kind_ref_pupil_person_channel_contac_key UNIQUE (school, kind, ref, pupil, person, channel, contact);
ALTER TABLE ONLY public.database_installation
    ADD CONSTRAINT database_installation_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.database_schools
    ADD CONSTRAINT database_schools_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.directory_contacts
    ADD CONSTRAINT directory_contacts_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.directory_contacts
    ADD CONSTRAINT directory_contacts_school_id_person_key UNIQUE (school, id, person);
ALTER TABLE ONLY public.directory_contacts
    ADD CONSTRAINT directory_contacts_school_person_channel_address_key UNIQUE (school, person, channel, address);
ALTER TABLE ONLY public.directory_decisions
    ADD CONSTRAINT directory_decisions_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.directory_groups
    ADD CONSTRAINT directory_groups_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.directory_groups
    ADD CONSTRAINT directory_groups_school_kind_code_key UNIQUE (school, kind, code);
ALTER TABLE ONLY public.directory_imports
    ADD CONSTRAINT directory_imports_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.directory_links
    ADD CONSTRAINT directory_links_pkey PRIMARY KEY (school, pupil, adult);
ALTER TABLE ONLY public.directory_members
    ADD CONSTRAINT directory_members_pkey PRIMARY KEY (school, grp, person);
ALTER TABLE ONLY public.directory_objections
    ADD CONSTRAINT directory_objections_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.directory_people
    ADD CONSTRAINT directory_people_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.directory_people
    ADD CONSTRAINT directory_people_school_kind_source_source_key_key UNIQUE (school, kind, source, source_key);
ALTER TABLE ONLY public.directory_schools
    ADD CONSTRAINT directory_schools_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.directory_schools
    ADD CONSTRAINT directory_schools_uai_key UNIQUE (uai);
ALTER TABLE ONLY public.directory_tasks
    ADD CONSTRAINT directory_tasks_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.goose_db_version
    ADD CONSTRAINT goose_db_version_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.journal_heads
    ADD CONSTRAINT journal_heads_pkey PRIMARY KEY (school, year);
ALTER TABLE ONLY public.journal_lines
    ADD CONSTRAINT journal_lines_pkey PRIMARY KEY (school, year, seq);
ALTER TABLE ONLY public.timetable_closures
    ADD CONSTRAINT timetable_closures_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.timetable_sitting_groups
    ADD CONSTRAINT timetable_sitting_groups_pkey PRIMARY KEY (school, sitting, grp);
ALTER TABLE ONLY public.timetable_sitting_staff
    ADD CONSTRAINT timetable_sitting_staff_pkey PRIMARY KEY (school, sitting, person);
ALTER TABLE ONLY public.timetable_sittings
    ADD CONSTRAINT timetable_sittings_pkey PRIMARY KEY (school, id);
ALTER TABLE ONLY public.timetable_sittings
    ADD CONSTRAINT timetable_sittings_school_source_source_key_key UNIQUE (school, source, source_key);
CREATE UNIQUE INDEX account_accounts_code ON public.account_accounts USING btree (code_hash) WHERE (code_hash <> ''::text);
CREATE UNIQUE INDEX account_accounts_person ON public.account_accounts USING btree (school, person, role);
CREATE INDEX account_sessions_account ON public.account_sessions USING btree (account);
CREATE INDEX alert_calls_open ON public.alert_calls USING btree (school, opened_at) WHERE (outcome = ''::text);
CREATE INDEX alert_decisions_episode ON public.alert_decisions USING btree (school, episode) WHERE (episode IS NOT NULL);
CREATE INDEX alert_episodes_day ON public.alert_episodes USING btree (school, half_day);
CREATE INDEX alert_episodes_first ON public.alert_episodes USING btree (first_at);
CREATE INDEX alert_episodes_held ON public.alert_episodes USING btree (state, school);
CREATE INDEX alert_episodes_over ON public.alert_episodes USING btree (school, settled_at) WHERE (state = 'over'::text);
CREATE INDEX alert_episodes_state ON public.alert_episodes USING btree (school, state, leaves_at);
CREATE INDEX alert_episodes_told ON public.alert_episodes USING btree (school, first_at) WHERE (state = 'told'::text);
CREATE INDEX attendance_marks_absent ON public.attendance_marks USING btree (school, day, pupil, n) WHERE (value = 'absent'::text);
CREATE INDEX attendance_marks_day ON public.attendance_marks USING btree (school, day, pupil, n);
CREATE INDEX attendance_marks_sitting ON public.attendance_marks USING btree (school, sitting, pupil, n);
CREATE INDEX attendance_rolls_day ON public.attendance_rolls USING btree (school, day, sitting);
CREATE INDEX attendance_statements_pupil ON public.attendance_statements USING btree (school, pupil, until_at);
CREATE INDEX courier_letters_contact ON public.courier_letters USING btree (school, contact, created_at);
CREATE INDEX courier_letters_due ON public.courier_letters USING btree (school, due_at) WHERE (state = ANY (ARRAY['waiting'::text, 'leaving'::text, 'unsure'::text]));
CREATE INDEX courier_letters_ref ON public.courier_letters USING btree (school, ref);
CREATE INDEX directory_contacts_address ON public.directory_contacts USING btree (school, channel, address);
CREATE INDEX directory_decisions_pupil ON public.directory_decisions USING btree (school, pupil);
CREATE INDEX directory_links_adult ON public.directory_links USING btree (school, adult);
CREATE INDEX directory_members_person ON public.directory_members USING btree (school, person);
CREATE INDEX directory_people_kind ON public.directory_people USING btree (school, kind, left_on);
CREATE INDEX journal_lines_subject ON public.journal_lines USING btree (school, subject);
CREATE INDEX timetable_sitting_groups_grp ON public.timetable_sitting_groups USING btree (school, grp);
CREATE INDEX timetable_sitting_staff_person ON public.timetable_sitting_staff USING btree (school, person);
CREATE INDEX timetable_sittings_day ON public.timetable_sittings USING btree (school, day, starts_at);
CREATE TRIGGER alert_calls_closed BEFORE UPDATE ON public.alert_calls FOR EACH ROW EXECUTE FUNCTION public.alert_calls_guard();
CREATE TRIGGER alert_calls_delete BEFORE DELETE ON public.alert_calls FOR EACH ROW EXECUTE FUNCTION public.database_refuse('alert: telephone rows are never deleted');
CREATE TRIGGER alert_calls_truncate BEFORE TRUNCATE ON public.alert_calls FOR EACH STATEMENT EXECUTE FUNCTION public.database_refuse('alert: telephone rows are never deleted');
CREATE TRIGGER alert_decisions_delete BEFORE DELETE ON public.alert_decisions FOR EACH ROW EXECUTE FUNCTION public.database_refuse('alert: decisions are never deleted');
CREATE TRIGGER alert_decisions_truncate BEFORE TRUNCATE ON public.alert_decisions FOR EACH STATEMENT EXECUTE FUNCTION public.database_refuse('alert: decisions are never deleted');
CREATE TRIGGER alert_decisions_update BEFORE UPDATE ON public.alert_decisions FOR EACH ROW EXECUTE FUNCTION public.database_refuse('alert: decisions are never changed');
CREATE TRIGGER alert_episodes_delete BEFORE DELETE ON public.alert_episodes FOR EACH ROW EXECUTE FUNCTION public.database_refuse('alert: episodes are never deleted');
CREATE TRIGGER alert_episodes_guard BEFORE INSERT OR UPDATE ON public.alert_episodes FOR EACH ROW EXECUTE FUNCTION public.alert_episodes_guard();
CREATE TRIGGER alert_episodes_truncate BEFORE TRUNCATE ON public.alert_episodes FOR EACH STATEMENT EXECUTE FUNCTION public.database_refuse('alert: episodes are never deleted');
CREATE TRIGGER alert_letters_delete BEFORE DELETE ON public.alert_letters FOR EACH ROW EXECUTE FUNCTION public.database_refuse('alert: what a letter speaks for is never deleted');
CREATE TRIGGER alert_letters_guard BEFORE INSERT ON public.alert_letters FOR EACH ROW EXECUTE FUNCTION public.alert_letters_guard();
CREATE TRIGGER alert_letters_truncate BEFORE TRUNCATE ON public.alert_letters FOR EACH STATEMENT EXECUTE FUNCTION public.database_refuse('alert: what a letter speaks for is never deleted');
CREATE TRIGGER alert_letters_update BEFORE UPDATE ON public.alert_letters FOR EACH ROW EXECUTE FUNCTION public.database_refuse('alert: what a letter speaks for is never changed');
CREATE TRIGGER attendance_marks_delete BEFORE DELETE ON public.attendance_marks FOR EACH ROW EXECUTE FUNCTION public.database_refuse('attendance: marks are never deleted');
CREATE TRIGGER attendance_marks_order BEFORE INSERT ON public.attendance_marks FOR EACH ROW EXECUTE FUNCTION public.attendance_marks_order();
CREATE TRIGGER attendance_marks_truncate BEFORE TRUNCATE ON public.attendance_marks FOR EACH STATEMENT EXECUTE FUNCTION public.database_refuse('attendance: marks are never deleted');
CREATE TRIGGER attendance_marks_update BEFORE UPDATE ON public.attendance_marks FOR EACH ROW EXECUTE FUNCTION public.database_refuse('attendance: marks are never changed');
CREATE TRIGGER courier_attempts_delete BEFORE DELETE ON public.courier_attempts FOR EACH ROW EXECUTE FUNCTION public.database_refuse('courier: attempts are never deleted');
CREATE TRIGGER courier_attempts_guard BEFORE INSERT OR UPDATE ON public.courier_attempts FOR EACH ROW EXECUTE FUNCTION public.courier_attempts_guard();
CREATE TRIGGER courier_attempts_truncate BEFORE TRUNCATE ON public.courier_attempts FOR EACH STATEMENT EXECUTE FUNCTION public.database_refuse('courier: attempts are never deleted');
CREATE TRIGGER courier_letters_delete BEFORE DELETE ON public.courier_letters FOR EACH ROW EXECUTE FUNCTION public.database_refuse('courier: letters are never deleted');
CREATE TRIGGER courier_letters_guard BEFORE INSERT OR UPDATE ON public.courier_letters FOR EACH ROW EXECUTE FUNCTION public.courier_letters_guard();
CREATE TRIGGER courier_letters_truncate BEFORE TRUNCATE ON public.courier_letters FOR EACH STATEMENT EXECUTE FUNCTION public.database_refuse('courier: letters are never deleted');
CREATE TRIGGER directory_contacts_delete BEFORE DELETE ON public.directory_contacts FOR EACH ROW EXECUTE FUNCTION public.database_refuse('directory: a contact point keeps its address and its person, and is ended, not deleted');
CREATE TRIGGER directory_contacts_guard BEFORE UPDATE ON public.directory_contacts FOR EACH ROW EXECUTE FUNCTION public.directory_contacts_guard();
CREATE TRIGGER directory_contacts_truncate BEFORE TRUNCATE ON public.directory_contacts FOR EACH STATEMENT EXECUTE FUNCTION public.database_refuse('directory: a contact point keeps its address and its person, and is ended, not deleted');
CREATE TRIGGER directory_decisions_delete BEFORE DELETE ON public.directory_decisions FOR EACH ROW EXECUTE FUNCTION public.database_refuse('directory: a decision is lifted, never changed or removed');
CREATE TRIGGER directory_decisions_guard BEFORE UPDATE ON public.directory_decisions FOR EACH ROW EXECUTE FUNCTION public.directory_decisions_guard();
CREATE TRIGGER directory_decisions_truncate BEFORE TRUNCATE ON public.directory_decisions FOR EACH STATEMENT EXECUTE FUNCTION public.database_refuse('directory: a decision is lifted, never changed or removed');
CREATE TRIGGER directory_objections_delete BEFORE DELETE ON public.directory_objections FOR EACH ROW EXECUTE FUNCTION public.database_refuse('directory: an objection is withdrawn, never changed or removed');
CREATE TRIGGER directory_objections_guard BEFORE UPDATE ON public.directory_objections FOR EACH ROW EXECUTE FUNCTION public.directory_objections_guard();
CREATE TRIGGER directory_objections_truncate BEFORE TRUNCATE ON public.directory_objections FOR EACH STATEMENT EXECUTE FUNCTION public.database_refuse('directory: an objection is withdrawn, never changed or removed');
CREATE TRIGGER journal_lines_delete BEFORE DELETE ON public.journal_lines FOR EACH ROW EXECUTE FUNCTION public.database_refuse('journal: lines are never deleted');
CREATE TRIGGER journal_lines_order BEFORE INSERT ON public.journal_lines FOR EACH ROW EXECUTE FUNCTION public.journal_lines_order();
CREATE TRIGGER journal_lines_truncate BEFORE TRUNCATE ON public.journal_lines FOR EACH STATEMENT EXECUTE FUNCTION public.database_refuse('journal: lines are never deleted');
CREATE TRIGGER journal_lines_update BEFORE UPDATE ON public.journal_lines FOR EACH ROW EXECUTE FUNCTION public.database_refuse('journal: lines are never changed');
ALTER TABLE ONLY public.account_accounts
    ADD CONSTRAINT account_accounts_school_person_fkey FOREIGN KEY (school, person) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.account_sessions
    ADD CONSTRAINT account_sessions_account_fkey FOREIGN KEY (account) REFERENCES public.account_accounts(id);
ALTER TABLE ONLY public.alert_calls
    ADD CONSTRAINT alert_calls_school_episode_pupil_fkey FOREIGN KEY (school, episode, pupil) REFERENCES public.alert_episodes(school, id, pupil);
ALTER TABLE ONLY public.alert_decisions
    ADD CONSTRAINT alert_decisions_school_episode_fkey FOREIGN KEY (school, episode) REFERENCES public.alert_episodes(school, id);
ALTER TABLE ONLY public.alert_decisions
    ADD CONSTRAINT alert_decisions_school_mark_fkey FOREIGN KEY (school, mark) REFERENCES public.attendance_marks(school, n);
ALTER TABLE ONLY public.alert_episodes
    ADD CONSTRAINT alert_episodes_school_mark_fkey FOREIGN KEY (school, mark) REFERENCES public.attendance_marks(school, n);
ALTER TABLE ONLY public.alert_episodes
    ADD CONSTRAINT alert_episodes_school_pupil_fkey FOREIGN KEY (school, pupil) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.alert_episodes
    ADD CONSTRAINT alert_episodes_school_sitting_fkey FOREIGN KEY (school, sitting) REFERENCES public.timetable_sittings(school, id);
ALTER TABLE ONLY public.alert_letters
    ADD CONSTRAINT alert_letters_school_answers_fkey FOREIGN KEY (school, answers) REFERENCES public.alert_letters(school, letter);
ALTER TABLE ONLY public.alert_letters
    ADD CONSTRAINT alert_letters_school_episode_pupil_fkey FOREIGN KEY (school, episode, pupil) REFERENCES public.alert_episodes(school, id, pupil);
ALTER TABLE ONLY public.alert_letters
    ADD CONSTRAINT alert_letters_school_letter_fkey FOREIGN KEY (school, letter) REFERENCES public.courier_letters(school, id);
ALTER TABLE ONLY public.alert_letters
    ADD CONSTRAINT alert_letters_school_mark_fkey FOREIGN KEY (school, mark) REFERENCES public.attendance_marks(school, n);
ALTER TABLE ONLY public.alert_services
    ADD CONSTRAINT alert_services_school_fkey FOREIGN KEY (school) REFERENCES public.database_schools(id);
ALTER TABLE ONLY public.alert_settings
    ADD CONSTRAINT alert_settings_school_fkey FOREIGN KEY (school) REFERENCES public.database_schools(id);
ALTER TABLE ONLY public.attendance_marks
    ADD CONSTRAINT attendance_marks_school_pupil_fkey FOREIGN KEY (school, pupil) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.attendance_marks
    ADD CONSTRAINT attendance_marks_school_sitting_fkey FOREIGN KEY (school, sitting) REFERENCES public.timetable_sittings(school, id);
ALTER TABLE ONLY public.attendance_rolls
    ADD CONSTRAINT attendance_rolls_school_sitting_fkey FOREIGN KEY (school, sitting) REFERENCES public.timetable_sittings(school, id);
ALTER TABLE ONLY public.attendance_statements
    ADD CONSTRAINT attendance_statements_school_pupil_fkey FOREIGN KEY (school, pupil) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.attendance_undecided
    ADD CONSTRAINT attendance_undecided_school_n_fkey FOREIGN KEY (school, n) REFERENCES public.attendance_marks(school, n);
ALTER TABLE ONLY public.courier_attempts
    ADD CONSTRAINT courier_attempts_school_letter_fkey FOREIGN KEY (school, letter) REFERENCES public.courier_letters(school, id);
ALTER TABLE ONLY public.courier_letters
    ADD CONSTRAINT courier_letters_school_contact_person_fkey FOREIGN KEY (school, contact, person) REFERENCES public.directory_contacts(school, id, person);
ALTER TABLE ONLY public.courier_letters
    ADD CONSTRAINT courier_letters_school_pupil_fkey FOREIGN KEY (school, pupil) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.directory_contacts
    ADD CONSTRAINT directory_contacts_school_person_fkey FOREIGN KEY (school, person) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.directory_decisions
    ADD CONSTRAINT directory_decisions_school_adult_fkey FOREIGN KEY (school, adult) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.directory_decisions
    ADD CONSTRAINT directory_decisions_school_pupil_fkey FOREIGN KEY (school, pupil) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.directory_groups
    ADD CONSTRAINT directory_groups_school_fkey FOREIGN KEY (school) REFERENCES public.database_schools(id);
ALTER TABLE ONLY public.directory_imports
    ADD CONSTRAINT directory_imports_school_fkey FOREIGN KEY (school) REFERENCES public.database_schools(id);
ALTER TABLE ONLY public.directory_links
    ADD CONSTRAINT directory_links_school_adult_fkey FOREIGN KEY (school, adult) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.directory_links
    ADD CONSTRAINT directory_links_school_pupil_fkey FOREIGN KEY (school, pupil) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.directory_members
    ADD CONSTRAINT directory_members_school_grp_fkey FOREIGN KEY (school, grp) REFERENCES public.directory_groups(school, id);
ALTER TABLE ONLY public.directory_members
    ADD CONSTRAINT directory_members_school_person_fkey FOREIGN KEY (school, person) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.directory_objections
    ADD CONSTRAINT directory_objections_school_pupil_fkey FOREIGN KEY (school, pupil) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.directory_people
    ADD CONSTRAINT directory_people_school_fkey FOREIGN KEY (school) REFERENCES public.database_schools(id);
ALTER TABLE ONLY public.directory_schools
    ADD CONSTRAINT directory_schools_id_fkey FOREIGN KEY (id) REFERENCES public.database_schools(id);
ALTER TABLE ONLY public.directory_tasks
    ADD CONSTRAINT directory_tasks_school_person_fkey FOREIGN KEY (school, person) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.journal_heads
    ADD CONSTRAINT journal_heads_school_fkey FOREIGN KEY (school) REFERENCES public.database_schools(id);
ALTER TABLE ONLY public.journal_lines
    ADD CONSTRAINT journal_lines_school_fkey FOREIGN KEY (school) REFERENCES public.database_schools(id);
ALTER TABLE ONLY public.timetable_closures
    ADD CONSTRAINT timetable_closures_school_fkey FOREIGN KEY (school) REFERENCES public.database_schools(id);
ALTER TABLE ONLY public.timetable_sitting_groups
    ADD CONSTRAINT timetable_sitting_groups_school_grp_fkey FOREIGN KEY (school, grp) REFERENCES public.directory_groups(school, id);
ALTER TABLE ONLY public.timetable_sitting_groups
    ADD CONSTRAINT timetable_sitting_groups_school_sitting_fkey FOREIGN KEY (school, sitting) REFERENCES public.timetable_sittings(school, id);
ALTER TABLE ONLY public.timetable_sitting_staff
    ADD CONSTRAINT timetable_sitting_staff_school_person_fkey FOREIGN KEY (school, person) REFERENCES public.directory_people(school, id);
ALTER TABLE ONLY public.timetable_sitting_staff
    ADD CONSTRAINT timetable_sitting_staff_school_sitting_fkey FOREIGN KEY (school, sitting) REFERENCES public.timetable_sittings(school, id);
ALTER TABLE ONLY public.timetable_sittings
    ADD CONSTRAINT timetable_sittings_school_fkey FOREIGN KEY (school) REFERENCES public.database_schools(id);
