package alert_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// morning is a small school on its Tuesday, with a clock that the test moves.
type morning struct {
	t       testing.TB
	db      *database.DB
	town    fictional.Town
	journal *journal.Journal
	alert   *alert.Alert
	courier *courier.Courier
	now     time.Time
	school  string
	url     string
	heads   []string                      // who leads the school
	atHome  map[string]attendance.Finding // of absences from classes at home, by pupil
	// unsettled: rolls saves and decides nothing
	unsettled bool
}

func newMorning(t testing.TB, db *database.DB) *morning {
	t.Helper()
	return morningOf(t, db, fictional.Small(time.Time{}))
}

func morningOf(t testing.TB, db *database.DB, town fictional.Town) *morning {
	t.Helper()
	m := &morning{t: t, db: db, town: town, url: "https://preau.alice-guy.example"}
	m.found()
	m.serve(true)
	return m
}

// found makes the school, which is not in service.
func (m *morning) found() {
	m.t.Helper()
	m.now, m.school = m.town.Tuesday, m.town.School.ID
	var err error
	if m.journal, err = journal.New(bytes.Repeat([]byte{3}, journal.MinKey)); err != nil {
		m.t.Fatal(err)
	}
	if err := fictional.Save(m.t.Context(), m.db, m.town); err != nil {
		m.t.Fatal(err)
	}
	m.start()
}

// start makes the program's running parts anew: what a restart does.
func (m *morning) start() {
	clock := func() time.Time { return m.now }
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	m.courier = courier.New(courier.Config{DB: m.db, Journal: m.journal, Carriers: courier.Pretend(), Now: clock, Log: log})
	var err error
	if m.alert, err = alert.New(alert.Config{DB: m.db, Journal: m.journal, Courier: m.courier, Now: clock, Log: log, URL: m.url, Home: m.findHome, Heads: func(context.Context, database.Tx, string) ([]string, error) { return m.heads, nil }}); err != nil {
		m.t.Fatal(err)
	}
}

func (m *morning) serve(on bool) {
	m.in(func(ctx context.Context, tx database.Tx) error {
		if !on {
			return m.alert.CloseService(ctx, tx, m.school, "head", m.now)
		}
		return alert.OpenForTest(ctx, tx, m.alert, m.school, "2027-07-04", m.now)
	})
}

func (m *morning) in(fn func(context.Context, database.Tx) error) {
	m.t.Helper()
	if err := m.db.InSchool(m.t.Context(), m.school, fn); err != nil {
		m.t.Fatal(err)
	}
}

// at sets the clock to a time of the day.
func (m *morning) at(hhmm string) {
	m.t.Helper()
	zone, err := m.town.School.Location()
	if err != nil {
		m.t.Fatal(err)
	}
	clock, err := time.Parse("15:04", hhmm)
	if err != nil {
		m.t.Fatal(err)
	}
	y, mo, d := m.town.Tuesday.In(zone).Date()
	m.now = time.Date(y, mo, d, clock.Hour(), clock.Minute(), 0, 0, zone)
	m.settle()
}

// settle does all that is to be done now.
func (m *morning) settle() {
	m.t.Helper()
	for range 3 {
		if err := m.alert.Pass(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
		if err := m.courier.Pass(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
	}
}

// mark saves the roll of a sitting with one pupil's value.
func (m *morning) mark(sitting, pupil string, v attendance.Value, minutes int) {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) error {
		s, err := timetable.ByID(ctx, tx, m.school, sitting)
		if err != nil {
			return err
		}
		people, err := timetable.Pupils(ctx, tx, m.school, s)
		if err != nil {
			return err
		}
		current, err := attendance.Current(ctx, tx, m.school, sitting)
		if err != nil {
			return err
		}
		save := attendance.Save{School: m.school, Sitting: sitting, Day: s.Day, By: "teacher", Origin: attendance.FromRoll}
		for _, p := range people {
			save.Pupils = append(save.Pupils, p.ID)
			e := attendance.Entry{Pupil: p.ID, Value: attendance.Present, Base: current[p.ID].N}
			if k, ok := current[p.ID]; ok {
				e.Value, e.Minutes = k.Value, k.Minutes
			}
			if p.ID == pupil {
				e.Value, e.Minutes = v, minutes
			}
			save.Entries = append(save.Entries, e)
		}
		_, err = attendance.SaveRoll(ctx, tx, m.journal, m.now, save)
		return err
	})
	m.settle()
}

// letters lists "kind channel person state", sorted.
func (m *morning) letters() []string {
	m.t.Helper()
	var out []string
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		recent, err := courier.Recent(ctx, tx, m.school, 100)
		for _, l := range recent {
			out = append(out, strings.Join([]string{string(l.Kind), string(l.Channel), l.Person, string(l.State)}, " "))
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func (m *morning) calls() []string {
	m.t.Helper()
	var out []string
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		rows, err := alert.OpenCalls(ctx, tx, m.school)
		for _, c := range rows {
			out = append(out, strings.TrimSpace(c.Pupil+" "+c.Adult+" "+string(c.Because)))
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func (m *morning) want(letters, calls []string) {
	m.t.Helper()
	slices.Sort(letters)
	slices.Sort(calls)
	if got := m.letters(); !slices.Equal(got, letters) {
		m.t.Fatalf("letters that left:\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(letters, "\n  "))
	}
	if got := m.calls(); !slices.Equal(got, calls) {
		m.t.Fatalf("families to telephone:\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(calls, "\n  "))
	}
	var faults []journal.Fault
	if err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		_, faults, err = m.journal.Verify(ctx, tx, nil)
		return err
	}); err != nil || len(faults) > 0 {
		m.t.Fatalf("the journal: %v %v", faults, err)
	}
}

func (m *morning) restart() { m.start() }

var leaTold = []string{"absence email karim left", "absence email nadia left", "absence sms nadia left"}

func both(t *testing.T, fn func(m *morning)) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) { fn(newMorning(t, db)) })
}

func TestAbsentAndTold(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.want(nil, nil)
		m.at("08:16")
		m.want(nil, nil)
		m.at("08:17")
		m.want(leaTold, nil)
		m.at("09:07")
		m.mark("francais", "lea", attendance.Absent, 0) // the same half-day: once
		m.at("09:30")
		m.restart()
		m.settle()
		m.want(leaTold, nil)
	})
}

func TestLateInsideTheHold(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:12")
		m.mark("maths", "lea", attendance.Late, 7)
		m.at("09:00")
		m.want(nil, nil)
	})
}

func TestArrivedAfterTheHold(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:17")
		m.at("08:20")
		m.mark("maths", "lea", attendance.Late, 15)
		m.want(append(slices.Clone(leaTold), "arrived email karim left", "arrived email nadia left", "arrived sms nadia left"), nil)
		// Seen after the alert and absent again: a new and more serious episode.
		m.at("09:07")
		m.mark("francais", "lea", attendance.Absent, 0)
		m.at("09:17")
		m.want(append(slices.Concat(leaTold, leaTold), "arrived email karim left", "arrived email nadia left", "arrived sms nadia left"), nil)
	})
}

func TestTheMarkWasWrong(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:17")
		m.mark("maths", "lea", attendance.Present, 0)
		m.want(append(slices.Clone(leaTold), "correction email karim left", "correction email nadia left", "correction sms nadia left"), nil)
	})
}

func TestOneGuardianDeniedByACourt(t *testing.T) {
	both(t, func(m *morning) {
		c := m.town.Cast
		m.at("08:07")
		m.mark("maths", c.Denied, attendance.Absent, 0)
		m.at("08:17")
		letters := m.letters()
		if len(letters) == 0 {
			t.Fatal("the other parent was not told")
		}
		for _, l := range letters {
			if !strings.Contains(l, " "+c.DeniedTold+" ") {
				t.Fatalf("somebody else was told: %s", l)
			}
		}
		m.want(letters, nil)
	})
}

func TestADecisionRecordedDuringTheHoldWins(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{Decisions: []directory.Decision{{School: m.school, ID: "d", Pupil: "lea", Adult: "karim", Reference: "26/1", FromOn: "2026-11-24", RecordedBy: "head", RecordedAt: m.now}}})
		})
		m.at("08:17")
		m.want([]string{"absence email nadia left", "absence sms nadia left"}, nil)
	})
}

func TestSiblings(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.mark("histoire", "sami", attendance.Absent, 0)
		m.at("08:17")
		m.want(slices.Concat(leaTold, leaTold), nil)
		m.at("08:20")
		m.mark("maths", "lea", attendance.Late, 15) // her arrival says nothing of him
		m.want(append(slices.Concat(leaTold, leaTold), "arrived email karim left", "arrived email nadia left", "arrived sms nadia left"), nil)
	})
}

func TestNoContactIsATelephoneRow(t *testing.T) {
	both(t, func(m *morning) {
		c := m.town.Cast
		m.at("08:07")
		m.mark("maths", c.Unreachable, attendance.Absent, 0)
		m.at("08:17")
		m.want(nil, []string{c.Unreachable + " " + c.UnreachableParent + " no-contact"})
		m.at("08:25")
		m.mark("maths", c.Unreachable, attendance.Late, 20)
		m.want(nil, nil)
	})
}

func TestNotInServiceIsTelephoned(t *testing.T) {
	both(t, func(m *morning) {
		m.serve(false)
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:30")
		m.want(nil, []string{"lea karim not-service", "lea nadia not-service"})
	})
}

func TestServiceClosedDuringTheHold(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.serve(false)
		m.at("08:30")
		m.want(nil, []string{"lea karim not-service", "lea nadia not-service"})
	})
}

func TestExpectedElsewhereOrInside(t *testing.T) {
	both(t, func(m *morning) {
		state := func(pupil string, says attendance.Says, reason string) {
			m.in(func(ctx context.Context, tx database.Tx) error {
				return attendance.State(ctx, tx, m.journal, m.now, attendance.Statement{School: m.school, Pupil: pupil, Says: says, Reason: reason, FromAt: m.now, UntilAt: m.now.Add(4 * time.Hour), By: "office"})
			})
		}
		m.at("08:00")
		state("lea", attendance.Elsewhere, "announced")
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.mark("histoire", "sami", attendance.Absent, 0)
		m.at("08:12")
		state("sami", attendance.Inside, "infirmary")
		m.at("09:00")
		m.want(nil, nil)
	})
}

// A roll saved too late, and a program that slept through the hold: nobody is told
// hours afterwards, and the office telephones.
func TestLapsed(t *testing.T) {
	both(t, func(m *morning) {
		m.at("11:10")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("11:30")
		m.want(nil, []string{"lea karim too-late", "lea nadia too-late"})
	})
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("11:06")
		m.want(nil, []string{"lea karim too-late", "lea nadia too-late"})
	})
}

// decided runs the decider alone: letters are written and none has left yet, as when the
// mail server does not answer.
func (m *morning) decided() {
	m.t.Helper()
	if err := m.alert.Pass(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

// lettersWritten brings Léa's morning to 8:17 with her parents' letters written and not left.
func (m *morning) lettersWritten() {
	m.t.Helper()
	m.at("08:07")
	m.mark("maths", "lea", attendance.Absent, 0)
	m.now = m.now.Add(10 * time.Minute)
	m.decided()
}

// What becomes untrue between the letter and its leaving keeps it in the building.
func TestALetterIsAskedAgainWhenItLeaves(t *testing.T) {
	deny := func(m *morning) {
		m.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{Decisions: []directory.Decision{{School: m.school, ID: "d", Pupil: "lea", Adult: "karim", Reference: "26/1", FromOn: "2026-11-24", RecordedBy: "head", RecordedAt: m.now}}})
		})
	}
	for _, c := range []struct {
		name           string
		happens        func(*morning)
		letters, calls []string
	}{
		{"a court decides", deny, []string{"absence email nadia left", "absence sms nadia left"}, nil},
		{"in the building", func(m *morning) {
			m.in(func(ctx context.Context, tx database.Tx) error {
				return attendance.State(ctx, tx, m.journal, m.now, attendance.Statement{School: m.school, Pupil: "lea", Says: attendance.Inside, Reason: "office", FromAt: m.now, UntilAt: m.now.Add(time.Hour), By: "office"})
			})
		}, nil, nil},
		{"out of service", func(m *morning) { m.serve(false) }, nil, []string{"lea karim not-service", "lea nadia not-service"}},
		{"hours pass", func(m *morning) { m.now = m.now.Add(4 * time.Hour) }, nil, []string{"lea karim lapsed", "lea nadia lapsed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			both(t, func(m *morning) {
				m.lettersWritten()
				c.happens(m)
				if err := m.courier.Pass(t.Context()); err != nil {
					t.Fatal(err)
				}
				m.decided()
				m.want(c.letters, c.calls)
			})
		})
	}
}

// A letter that a hand puts into the table by SQL is vouched for by nobody.
func TestARowPutInByOtherHandsDoesNotLeave(t *testing.T) {
	both(t, func(m *morning) {
		m.lettersWritten()
		err := m.db.Statement(t.Context(), `INSERT INTO courier_letters (school, id, code, kind, ref, pupil, person, contact, channel, lang, subject, body, digest, message_id, state, because, attempts, created_at, due_at, expires_at)
			SELECT school, 'forged', 'FORGED1', kind, 'forged', 'ewen', 'sylvie', 'sylvie-email', 'email', lang, 'x', 'x', 'x', 'forged@x.example', 'waiting', '', 0, created_at, due_at, expires_at FROM courier_letters WHERE person = 'karim'`)
		if err != nil {
			t.Fatal(err)
		}
		// And one whose words were changed before it left.
		if err := m.db.Statement(t.Context(), "UPDATE courier_letters SET body = 'x' WHERE person = 'karim'"); err == nil {
			t.Fatal("the words of a waiting letter could be changed")
		}
		m.settle()
		m.want(leaTold, nil)
	})
}

// Told in the morning, absent again in the afternoon and then there: whoever was told
// learns it, whether the afternoon's alert had left or was still held.
func TestArrivedInTheAfternoon(t *testing.T) {
	afternoon := func(m *morning) {
		m.in(func(ctx context.Context, tx database.Tx) error {
			zone, err := m.town.School.Location()
			if err != nil {
				return err
			}
			s := timetable.Sitting{School: m.school, ID: "sport", Kind: timetable.Lesson, Label: "EPS", ShortLabel: "EPS", Source: timetable.FromPage, SourceKey: "sport", Groups: []string{"2de3"}}
			starts := m.town.Tuesday.Add(5*time.Hour + 30*time.Minute)
			s.At(starts, starts.Add(55*time.Minute), zone)
			return timetable.Add(ctx, tx, s)
		})
	}
	arrived := []string{"arrived email karim left", "arrived email nadia left", "arrived sms nadia left"}
	for _, c := range []struct {
		name string
		at   string
		want []string
	}{
		{"while the afternoon's is held", "13:36", slices.Concat(leaTold, arrived)},
		{"after the afternoon's was told", "13:50", slices.Concat(leaTold, leaTold, arrived)},
	} {
		t.Run(c.name, func(t *testing.T) {
			both(t, func(m *morning) {
				afternoon(m)
				m.at("08:07")
				m.mark("maths", "lea", attendance.Absent, 0)
				m.at("08:17")
				m.at("13:32")
				m.mark("sport", "lea", attendance.Absent, 0)
				m.at(c.at)
				m.mark("sport", "lea", attendance.Late, 6)
				m.want(c.want, nil)
			})
		})
	}
}

// A lesson cancelled after its roll alerts nobody.
func TestCancelledDuringTheHold(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.in(func(ctx context.Context, tx database.Tx) error {
			return timetable.Cancel(ctx, tx, m.school, "maths", m.now)
		})
		m.at("08:30")
		m.want(nil, nil)
	})
}

// Two parents share one number. A court denies the one to whom the letter is addressed
// before it leaves: the other, whom nothing reached, is telephoned.
func TestTheOtherParentIsTelephoned(t *testing.T) {
	both(t, func(m *morning) {
		m.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{
				People:   []directory.Person{{School: m.school, ID: "paul", Kind: directory.KindAdult, Source: "t", SourceKey: "paul", LastName: "Le Floc'h", FirstName: "Paul"}},
				Contacts: []directory.ContactPoint{{School: m.school, ID: "paul-sms", Person: "paul", Channel: directory.SMS, Address: m.addressOf("sylvie-sms"), Source: "t"}},
				Links:    []directory.Link{{School: m.school, Pupil: "ewen", Adult: "paul", Level: directory.Legal, Priority: 2, SMSConsent: directory.ConsentYes, Source: "t"}},
			})
		})
		m.at("08:07")
		m.mark("maths", "ewen", attendance.Absent, 0)
		m.now = m.now.Add(10 * time.Minute)
		m.decided()
		m.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{Decisions: []directory.Decision{{School: m.school, ID: "d", Pupil: "ewen", Adult: "sylvie", Reference: "26/2", FromOn: "2026-11-24", RecordedBy: "head", RecordedAt: m.now}}})
		})
		m.settle()
		m.want(nil, []string{"ewen paul no-contact"})
	})
}

func (m *morning) addressOf(contact string) (address string) {
	m.t.Helper()
	for _, c := range m.town.Rows.Contacts {
		if c.ID == contact {
			return c.Address
		}
	}
	m.t.Fatalf("no contact %s", contact)
	return ""
}

// What raw SQL may not do on either engine: each line would send a letter astray, a
// second time, or to somebody denied.
func TestGuardsOfTheMorning(t *testing.T) {
	for _, q := range []string{
		"UPDATE directory_contacts SET address = '+33639989999' WHERE person = 'nadia' AND channel = 'sms'",
		"UPDATE directory_contacts SET person = 'ronan' WHERE person = 'nadia' AND channel = 'sms'",
		"DELETE FROM directory_contacts WHERE person = 'sylvie'",
		"DELETE FROM directory_decisions",
		"UPDATE directory_decisions SET until_on = '2026-01-01'",
		"UPDATE courier_letters SET person = 'ronan', contact = 'ronan-email' WHERE person = 'karim'",
		"UPDATE courier_letters SET expires_at = '2027-01-01 00:00:00+00:00' WHERE person = 'karim'",
		"UPDATE courier_letters SET state = 'left' WHERE person = 'karim'",
		"DELETE FROM courier_letters",
		"UPDATE alert_episodes SET state = 'held'",
		"UPDATE alert_episodes SET pupil = 'ewen'",
		"UPDATE alert_episodes SET leaves_at = first_at",
		"DELETE FROM alert_decisions",
		"UPDATE alert_letters SET person = 'ronan'",
		"UPDATE attendance_marks SET value = 'absent' WHERE pupil = 'ewen'",
		"DELETE FROM attendance_marks",
		"INSERT INTO alert_episodes (school, id, pupil, half_day, seq, mark, sitting, first_at, leaves_at, expires_at, state) SELECT school, 'x', pupil, '2026-11-24/xx', 1, 2, sitting, first_at, leaves_at, expires_at, 'held' FROM alert_episodes",
		"INSERT INTO alert_episodes (school, id, pupil, half_day, seq, mark, sitting, first_at, leaves_at, expires_at, state) SELECT school, 'x', pupil, half_day, 2, mark, sitting, first_at, leaves_at, expires_at, 'told' FROM alert_episodes",
	} {
		t.Run(q, func(t *testing.T) {
			both(t, func(m *morning) {
				m.lettersWritten()
				if err := m.db.Statement(t.Context(), q); err == nil {
					t.Fatal("it went through")
				}
				m.settle()
				m.want(leaTold, nil)
			})
		})
	}
}

// A letter put in by raw SQL, with a row that vouches for it and words that were once
// ours, does not leave: its digest binds recipient, address and time with a key that is
// not in the database.
func TestForgedLettersDoNotLeave(t *testing.T) {
	both(t, func(m *morning) {
		m.lettersWritten()
		for _, q := range []string{
			"INSERT INTO directory_contacts (school, id, person, channel, address, raw, source) VALUES ('alice-guy', 'evil', 'karim', 'email', 'evil@evil.example', '', 'x')",
			`INSERT INTO courier_letters (school, id, code, kind, ref, pupil, person, contact, channel, lang, subject, body, digest, message_id, state, because, attempts, created_at, due_at, expires_at)
				SELECT school, 'forged', 'FORGED2', kind, ref, pupil, person, 'evil', channel, lang, subject, body, digest, message_id, 'waiting', '', 0, created_at, due_at, expires_at FROM courier_letters WHERE person = 'karim'`,
			`INSERT INTO alert_letters (school, letter, episode, pupil, person, channel, contact, kind, mark)
				SELECT school, 'forged', episode, pupil, person, channel, 'evil', kind, mark FROM alert_letters WHERE person = 'karim'`,
		} {
			if err := m.db.Statement(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		m.settle()
		m.want(leaTold, nil)
	})
}
