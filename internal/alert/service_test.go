package alert_test

import (
	"context"
	"errors"
	"net/http"
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
	"github.com/preau-ent/preau/internal/page"
)

// newSchool is a school that was never in service.
func newSchool(t *testing.T, fn func(m *morning)) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := &morning{t: t, db: db, town: fictional.Small(time.Time{}), url: "https://preau.alice-guy.example"}
		m.found()
		fn(m)
	})
}

func (m *morning) day(n int) {
	m.now = m.town.Tuesday.AddDate(0, 0, n)
}

func (m *morning) do(fn func(context.Context, database.Tx) error) (err error) {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) error { err = fn(ctx, tx); return nil })
	return err
}

// exercises lists the letters of the day as want does, and whether they are exercises.
func (m *morning) exercises() (out []string) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		recent, err := courier.Recent(ctx, tx, m.school, 100)
		for _, l := range recent {
			name := string(l.Kind) + " " + string(l.Channel) + " " + l.Person + " " + string(l.State)
			if !l.Exercise {
				name += " TO A FAMILY"
			}
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// TestRehearsal: a school that never was in service does everything, tells nobody, and is
// put in service only after five days that somebody looked at.
func TestRehearsal(t *testing.T) {
	newSchool(t, func(m *morning) {
		ask := func() error {
			return m.do(func(ctx context.Context, tx database.Tx) error {
				return m.alert.AskService(ctx, tx, m.school, "head", page.Head, "2027-07-04", m.now.Format(time.DateOnly), m.now)
			})
		}
		if err := ask(); !errors.Is(err, alert.ErrRehearse) {
			t.Fatalf("a service was asked for without a rehearsal: %v", err)
		}
		s := newSite(m)
		if status, _ := s.post("secretary:office", "/rehearsal", "do", "start"); status != http.StatusForbidden {
			t.Fatalf("the office began a rehearsal: %d", status)
		}
		if status, _ := s.post("cpe:cpe", "/rehearsal", "do", "start"); status != http.StatusSeeOther {
			t.Fatal("the CPE may not begin a rehearsal")
		}
		if status, _ := s.post("head:head", "/rehearsal", "do", "start"); status != http.StatusConflict {
			t.Fatalf("a second rehearsal at once: %d", status)
		}
		if err := ask(); !errors.Is(err, alert.ErrRehearsing) {
			t.Fatalf("asked for in the middle of the rehearsal: %v", err)
		}
		if err := m.do(func(ctx context.Context, tx database.Tx) error {
			_, err := directory.PersonByID(ctx, tx, m.school, "tripwire")
			return err
		}); err != nil {
			t.Fatalf("no tripwire stands in the directory: %v", err)
		}
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:17")
		told := []string{"absence email karim left", "absence email nadia left", "absence sms nadia left"}
		if got := m.exercises(); !slices.Equal(got, told) {
			t.Fatalf("%v", got)
		}
		if got := m.calls(); !slices.Equal(got, []string{"lea karim not-service", "lea nadia not-service"}) {
			t.Fatalf("nobody telephones: %v", got)
		}
		if b := m.board(); b.InService || !b.Rehearsing || len(b.Told) != 1 || !b.Told[0].Exercise {
			t.Fatalf("the board: %+v", b)
		}
		m.at("08:31")
		m.mark("maths", "lea", attendance.Late, 25)
		m.at("08:32")
		if got := m.exercises(); !slices.Equal(got, append(told[:3:3], "arrived email karim left", "arrived email nadia left", "arrived sms nadia left")) {
			t.Fatalf("the arrival is not rehearsed: %v", got)
		}
		// The office says of the day what was right, and the head cannot say so before five days.
		_, text := s.get("secretary:office", "/rehearsal")
		if !strings.Contains(text, "BENALI") || !strings.Contains(text, "3 messages, puis son arrivée") {
			t.Fatalf("the report does not show it:\n%s", text)
		}
		for _, wrong := range []string{"-1", "", "x", "1000000"} {
			if status, _ := s.post("secretary:office", "/rehearsal", "do", "day", "day", "2026-11-24", "missed", wrong); status != http.StatusUnprocessableEntity {
				t.Errorf("missed %q: %d", wrong, status)
			}
		}
		if status, _ := s.post("secretary:office", "/rehearsal", "do", "day", "day", "2026-11-24", "missed", "0", "wrong", "nobody"); status != http.StatusNotFound {
			t.Errorf("an episode that is none: %d", status)
		}
		if status, _ := s.post("secretary:office", "/rehearsal", "do", "day", "day", "2026-11-25", "missed", "0"); status != http.StatusConflict {
			t.Errorf("a day to come was looked at: %d", status)
		}
		for n := range 5 {
			if status, _ := s.post("head:head", "/rehearsal", "do", "end", "outcome", "ready"); status != http.StatusConflict {
				t.Fatalf("found right after %d days: %d", n, status)
			}
			if n > 0 {
				m.day([]int{0, 1, 2, 3, 6}[n])
				m.in(func(ctx context.Context, tx database.Tx) error {
					return fictional.CallEmpty(ctx, tx, m.journal, m.town, m.now)
				})
				if status, _ := s.post("head:head", "/rehearsal", "do", "end", "outcome", "ready"); status != http.StatusConflict {
					t.Fatalf("found right with a day that nobody looked at: %d", status)
				}
			}
			if status, _ := s.post("secretary:office", "/rehearsal", "do", "day", "day", m.now.Format(time.DateOnly), "missed", "1"); status != http.StatusSeeOther {
				t.Fatal("the office may not say what was right")
			}
		}
		if status, _ := s.post("cpe:cpe", "/rehearsal", "do", "end", "outcome", "ready"); status != http.StatusForbidden {
			t.Fatalf("the CPE found it right alone: %d", status)
		}
		if _, text := s.get("head:head", "/rehearsal"); !strings.Contains(text, "5 jours vérifiés, 5 désaccords") {
			t.Fatalf("the decision does not say how many disagreements:\n%s", text)
		}
		if status, _ := s.post("head:head", "/rehearsal", "do", "end", "outcome", "ready"); status != http.StatusSeeOther {
			t.Fatal("the head may not end it")
		}
		if status, _ := s.post("head:head", "/service", "do", "ask", "until", "2027-07-04"); status != http.StatusSeeOther {
			t.Fatal("it cannot be asked for after the rehearsal")
		}
		if status, _ := s.post("cpe:cpe", "/service", "do", "open"); status != http.StatusSeeOther || !m.board().InService {
			t.Fatal("not in service")
		}
		if status, _ := s.post("head:head", "/rehearsal", "do", "start"); status != http.StatusConflict {
			t.Fatalf("a rehearsal while in service: %d", status)
		}
	})
}

// TestAsleep: nobody says for two weeks of school days that the school uses it, and nothing
// is sent; one tap is enough to go on.
func TestAsleep(t *testing.T) {
	both(t, func(m *morning) {
		in := func() bool { return m.board().InService }
		ask := func() bool { return m.board().Keeping.Ask }
		m.day(10) // Friday 4 December: two school days before the last one
		if !in() || !ask() {
			t.Fatalf("in service %v, asked %v", in(), ask())
		}
		m.day(6)
		if !in() || ask() {
			t.Fatalf("six days before the end: in service %v, asked %v", in(), ask())
		}
		m.day(15)
		if in() || !m.board().Keeping.Lapsed {
			t.Fatal("nobody said for two weeks that it is used, and it sends")
		}
		m.in(func(ctx context.Context, tx database.Tx) error {
			return m.alert.KeepService(ctx, tx, m.school, "office", m.now.Format(time.DateOnly), m.now)
		})
		if !in() || ask() {
			t.Fatal("kept, and still asleep")
		}
		// Another period is asked for: this one goes on until it is opened.
		m.in(func(ctx context.Context, tx database.Tx) error {
			return m.alert.AskService(ctx, tx, m.school, "head", page.Head, "2027-06-30", m.now.Format(time.DateOnly), m.now)
		})
		if b := m.board(); !b.InService || b.Service.UntilOn != "2027-07-04" {
			t.Fatalf("asking ended what runs: %+v", b.Service)
		}
		m.in(func(ctx context.Context, tx database.Tx) error {
			return m.alert.OpenService(ctx, tx, m.school, "cpe", page.CPE, m.now.Format(time.DateOnly), m.now)
		})
		if b := m.board(); !b.InService || b.Service.UntilOn != "2027-06-30" {
			t.Fatalf("opening another: %+v", b.Service)
		}
	})
}

// TestAsleepTellsNobody: a service that nobody kept since three weeks tells nobody, and the
// families are telephoned.
func TestAsleepTellsNobody(t *testing.T) {
	newSchool(t, func(m *morning) {
		m.in(func(ctx context.Context, tx database.Tx) error {
			return alert.OpenForTest(ctx, tx, m.alert, m.school, "2027-07-04", m.now.AddDate(0, 0, -20))
		})
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:30")
		m.want(nil, []string{"lea karim not-service", "lea nadia not-service"})
	})
}

// TestServiceByRawSQL: the schema itself refuses a service that nobody rehearsed, that one
// person opened, or that goes on without a human act, and a letter outside of one.
func TestServiceByRawSQL(t *testing.T) {
	newSchool(t, func(m *morning) {
		sqlite := m.db.Engine() == database.SQLite
		refused := func(why, query string, args ...any) {
			t.Helper()
			err := m.db.InSchool(t.Context(), m.school, func(ctx context.Context, tx database.Tx) error {
				_, err := tx.NewRaw(query, args...).Exec(ctx)
				return err
			})
			if err == nil {
				t.Errorf("%s: taken: %s", why, query)
			}
		}
		exec := func(query string, args ...any) {
			t.Helper()
			m.in(func(ctx context.Context, tx database.Tx) error {
				_, err := tx.NewRaw(query, args...).Exec(ctx)
				return err
			})
		}
		const ask = "INSERT INTO alert_services (school, id, asked_by, asked_role, asked_at, until_on) VALUES ('alice-guy', 'v', 'head', 'head', '2026-11-24 07:00:00', '2027-07-04')"
		const open = "UPDATE alert_services SET opened_by = 'cpe', opened_at = '2026-11-24 07:00:00', kept_by = 'cpe', kept_until = '2026-12-08' WHERE id = 'v'"
		refused("open at once", "INSERT INTO alert_services (school, id, asked_by, asked_role, asked_at, until_on, opened_by, opened_at) VALUES ('alice-guy', 'v', 'head', 'head', '2026-11-24 07:00:00', '2027-07-04', 'cpe', '2026-11-24 07:00:00')")
		exec(ask)
		refused("asked twice", strings.Replace(ask, "'v'", "'w'", 1))
		refused("not rehearsed", open)
		const begin = "INSERT INTO alert_rehearsals (school, id, started_by, started_at) VALUES ('alice-guy', 'h', 'head', '2026-11-16 07:00:00')"
		refused("a rehearsal that is over at once", "INSERT INTO alert_rehearsals (school, id, started_by, started_at, ended_by, ended_at, outcome, days) VALUES ('alice-guy', 'h', 'head', '2026-11-16 07:00:00', 'head', '2026-11-24 07:00:00', 'ready', 5)")
		exec(begin)
		refused("a second rehearsal", strings.Replace(begin, "'h'", "'i'", 1))
		const ready = "UPDATE alert_rehearsals SET outcome = 'ready', ended_by = 'head', ended_at = '2026-11-24 07:00:00', days = 5 WHERE id = 'h'"
		refused("nobody looked", ready)
		for _, day := range []string{"16", "17", "18", "19"} {
			exec("INSERT INTO alert_verdicts (school, rehearsal, day, n, wrong, missed, by, at) VALUES ('alice-guy', 'h', '2026-11-" + day + "', 1, '', 0, 'office', '2026-11-20 07:00:00')")
		}
		refused("four days", strings.Replace(ready, "days = 5", "days = 4", 1))
		refused("four days, said to be five", ready)
		refused("rewritten", "UPDATE alert_verdicts SET missed = 3")
		refused("deleted", "DELETE FROM alert_verdicts")
		exec("INSERT INTO alert_verdicts (school, rehearsal, day, n, wrong, missed, by, at) VALUES ('alice-guy', 'h', '2026-11-20', 1, '', 0, 'office', '2026-11-20 07:00:00')")
		exec(ready)
		refused("decided twice", "UPDATE alert_rehearsals SET days = 9 WHERE id = 'h'")
		refused("a rehearsal deleted", "DELETE FROM alert_rehearsals")
		refused("opened by who asked", strings.Replace(strings.Replace(open, "opened_by = 'cpe'", "opened_by = 'head'", 1), "kept_by = 'cpe'", "kept_by = 'head'", 1))
		refused("kept beyond its end", strings.Replace(open, "2026-12-08", "2027-08-01", 1))
		exec(open)
		refused("another last day", "UPDATE alert_services SET until_on = '2028-07-04'")
		refused("another second person", "UPDATE alert_services SET opened_by = 'x'")
		refused("kept by nobody", "UPDATE alert_services SET kept_until = '2027-01-01', kept_by = ''")
		refused("kept backward", "UPDATE alert_services SET kept_until = '2026-12-01'")
		refused("deleted", "DELETE FROM alert_services")
		if sqlite {
			refused("replaced", strings.Replace(ask, "INSERT", "INSERT OR REPLACE", 1))
			refused("replaced", strings.Replace(begin, "INSERT", "INSERT OR REPLACE", 1))
		} else {
			refused("emptied", "TRUNCATE alert_services CASCADE")
			refused("emptied", "TRUNCATE alert_verdicts")
			refused("emptied", "TRUNCATE alert_rehearsals CASCADE")
		}
		exec("UPDATE alert_services SET closed_by = 'head', closed_at = '2026-11-24 07:30:00'")
		refused("opened again", "UPDATE alert_services SET closed_by = '', closed_at = NULL")
		// No service runs: an absence letter that is no exercise is vouched for by nobody.
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		var episode, contact string
		var mark int64
		m.in(func(ctx context.Context, tx database.Tx) error {
			if err := tx.NewRaw("SELECT id, mark FROM alert_episodes").Scan(ctx, &episode, &mark); err != nil {
				return err
			}
			return tx.NewRaw("SELECT id FROM directory_contacts WHERE person = 'karim' AND channel = 'email'").Scan(ctx, &contact)
		})
		put := func(exercise bool) error {
			return m.db.InSchool(t.Context(), m.school, func(ctx context.Context, tx database.Tx) error {
				id := database.NewID()
				err := m.courier.Put(ctx, tx, m.school, m.now, courier.Draft{ID: id, Code: courier.NewCode(), Kind: courier.Absence, Ref: episode, Pupil: "lea", Person: "karim", Contact: contact,
					Channel: directory.Email, Lang: "fr", Subject: "x", Body: "x", Exercise: exercise, DueAt: m.now, ExpiresAt: m.now.Add(time.Hour)})
				if err != nil {
					return err
				}
				_, err = tx.NewRaw("INSERT INTO alert_letters (school, letter, episode, pupil, person, channel, contact, kind, mark) VALUES (?, ?, ?, 'lea', 'karim', 'email', ?, 'absence', ?)", m.school, id, episode, contact, mark).Exec(ctx)
				return err
			})
		}
		if err := put(false); err == nil {
			t.Error("a letter to a family out of service")
		}
		if err := put(true); err != nil {
			t.Errorf("an exercise: %v", err)
		}
	})
}

// TestOneAdult: where a school has one adult, the operator is the second person, and is told
// so; elsewhere the operator is nobody's second person.
func TestOneAdult(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		s.post("head:head", "/service", "do", "ask", "until", "2027-06-30")
		if status, _ := s.post("operator:", "/schools/alice-guy/service", "do", "close"); status != http.StatusUnprocessableEntity || !m.board().InService {
			t.Fatalf("the operator closed a service: %d", status)
		}
		if status, text := s.get("operator:", "/schools/alice-guy/service"); status != http.StatusOK || !strings.Contains(text, "Mettre en service jusqu'au 30 juin 2027") {
			t.Fatalf("%d %s", status, text)
		}
		if status, _ := s.post("operator:", "/schools/alice-guy/service", "do", "open"); status != http.StatusSeeOther || m.board().Service.UntilOn != "2027-06-30" {
			t.Fatalf("the operator is not the second person: %d", status)
		}
		if status, _ := s.post("operator:", "/schools/nowhere/service", "do", "open"); status != http.StatusNotFound {
			t.Fatalf("a school that is none: %d", status)
		}
		s.pages.Adults = func(context.Context, database.Tx, string) (int, error) { return 2, nil }
		if status, _ := s.post("operator:", "/schools/alice-guy/service", "do", "open"); status != http.StatusForbidden {
			t.Fatalf("two adults, and the operator: %d", status)
		}
	})
}

// TestLockedIsTelephoned: letters that the fence made void are telephoned, and so is whoever
// was told of an absence and could not be told of its end.
func TestLockedIsTelephoned(t *testing.T) {
	both(t, func(m *morning) {
		lock := func() {
			t.Helper()
			if err := m.courier.LockAll(t.Context(), courier.WhyJournal); err != nil {
				t.Fatal(err)
			}
		}
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:17")
		m.want(leaTold, nil)
		m.now = m.now.Add(time.Minute)
		m.unsettled = true
		m.mark("maths", "ewen", attendance.Absent, 0)
		m.now = m.now.Add(11 * time.Minute)
		for range 2 {
			if err := m.alert.Pass(t.Context()); err != nil { // the letters are written, and do not leave
				t.Fatal(err)
			}
		}
		lock()
		m.settle()
		m.want(leaTold, []string{"ewen sylvie fenced"})
		m.mark("maths", "lea", attendance.Late, 30)
		m.settle()
		m.want(leaTold, []string{"ewen sylvie fenced", "lea karim not-corrected", "lea nadia not-corrected"})
	})
}
