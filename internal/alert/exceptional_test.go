package alert_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

func (m *morning) declare(day, reason string) {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) error {
		return m.alert.OpenExceptional(ctx, tx, m.school, day, reason, "head", "2026-11-24", m.now)
	})
}

func (m *morning) declareOver() {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) error {
		return m.alert.CloseExceptional(ctx, tx, m.school, "2026-11-24", "cpe", m.now)
	})
}

// A day of snow: rolls are called and nobody is told by itself, neither of what was held, nor
// of what is noted afterwards, nor once the day is over. Nothing is left to telephone either:
// the list of the day is.
func TestNobodyIsToldOnAnExceptionalDay(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.declare("2026-11-24", "snow")
		m.at("08:17")
		m.mark("maths", "nora", attendance.Absent, 0)
		m.at("08:40")
		m.want(nil, nil)
		m.declareOver()
		m.mark("francais", "ewen", attendance.Absent, 0)
		m.at("09:30")
		m.want(nil, nil)
		d := m.dayBoard()
		if d.Absent != 1 || d.Counts[alert.AtUndecided] != 1 {
			t.Errorf("%d absent, %v", d.Absent, d.Counts)
		}
		m.at("12:30")
		m.want(nil, nil)
	})
}

// What had left when the day was declared is followed to its end; what had not is recalled.
func TestWhatHadLeftIsFollowed(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:17")
		m.want(leaTold, nil)
		m.declare("2026-11-24", "strike")
		m.at("08:30")
		m.mark("maths", "lea", attendance.Late, 25)
		m.at("08:31")
		m.want(append([]string{"arrived sms nadia left", "arrived email nadia left", "arrived email karim left"}, leaTold...), nil)
	})
}

// The wall: on such a day neither an episode is told, nor a letter about it written, nor does
// one that waits leave, whoever writes the SQL; and the courier, which asks again at the claim,
// keeps it back.
func TestExceptionalDayAgainstSQL(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:12")
		m.mark("maths", "nora", attendance.Absent, 0)
		m.now = m.now.Add(5 * time.Minute)
		if err := m.alert.Pass(t.Context()); err != nil { // written, and not carried
			t.Fatal(err)
		}
		must := func(q string) {
			t.Helper()
			if err := m.db.Statement(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		// By other hands than OpenExceptional, which recalls what waits.
		must("INSERT INTO alert_exceptional (school, day, reason, opened_by, opened_at) VALUES ('" + m.school + "', '2026-11-24', 'snow', 'head', '2026-11-24 07:00:00')")
		must("INSERT INTO alert_exceptional (school, day, reason, opened_by, opened_at) VALUES ('" + m.school + "', '2026-11-25', 'snow', 'head', '2026-11-24 07:00:00')")
		for what, q := range map[string]string{
			"an episode is told":        "UPDATE alert_episodes SET state = 'told' WHERE state = 'held'",
			"a letter begins to leave":  "UPDATE courier_letters SET state = 'leaving', attempts = attempts + 1, leaving_at = due_at WHERE state = 'waiting' AND kind = 'absence'",
			"a letter is vouched for":   "INSERT INTO alert_letters (school, letter, episode, pupil, person, channel, contact, kind, mark) SELECT school, letter || 'x', episode, pupil, person, channel, contact, kind, mark FROM alert_letters",
			"a day that begins as over": "INSERT INTO alert_exceptional (school, day, reason, opened_by, opened_at, closed_by, closed_at) VALUES ('" + m.school + "', '2026-11-26', 'snow', 'head', '2026-11-24 07:00:00', 'x', '2026-11-24 07:00:00')",
		} {
			if err := m.db.Statement(t.Context(), q); err == nil {
				t.Errorf("%s", what)
			}
		}
		databasetest.Withstand(t, m.db, []databasetest.Guarded{{Name: "alert_exceptional", MayChange: []string{"closed_by", "closed_at"}}})
		must("UPDATE alert_exceptional SET closed_by = 'cpe', closed_at = '2026-11-24 09:00:00' WHERE day = '2026-11-24'")
		for what, q := range map[string]string{
			"it is open again":       "UPDATE alert_exceptional SET closed_by = '', closed_at = NULL WHERE day = '2026-11-24'",
			"it is over once more":   "UPDATE alert_exceptional SET closed_at = '2026-11-24 10:00:00' WHERE day = '2026-11-24'",
			"closed, and it is told": "UPDATE alert_episodes SET state = 'told' WHERE state = 'held'",
		} {
			if err := m.db.Statement(t.Context(), q); err == nil {
				t.Errorf("%s", what)
			}
		}
		m.settle()
		m.at("08:40")
		m.want(nil, nil) // what waited was kept back at the claim, and nobody need telephone
	})
}

// Who declares one, and for which day.
func TestWhoDeclaresAnExceptionalDay(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		if status, _ := s.post("secretary:office", "/exceptional", "do", "open", "day", "2026-11-24", "reason", "snow"); status != http.StatusForbidden {
			t.Errorf("the office declares one: %d", status)
		}
		if _, text := s.get("secretary:office", "/exceptional"); !strings.Contains(text, "La direction ou le CPE la déclare.") {
			t.Errorf("%s", text)
		}
		for _, wrong := range [][2]string{{"2026-11-23", "snow"}, {"2026-12-24", "snow"}, {"today", "snow"}, {"2026-11-24", "sun"}, {"2026-11-24", ""}} {
			if status, _ := s.post("cpe:cpe", "/exceptional", "do", "open", "day", wrong[0], "reason", wrong[1]); status != http.StatusUnprocessableEntity {
				t.Errorf("%v: %d", wrong, status)
			}
		}
		if status, _ := s.post("cpe:cpe", "/exceptional", "do", "open", "day", "2026-11-24", "reason", "strike"); status != http.StatusSeeOther {
			t.Fatalf("the CPE declares one: %d", status)
		}
		m.settle()
		if status, _ := s.post("head:head", "/exceptional", "do", "open", "day", "2026-11-24", "reason", "snow"); status != http.StatusConflict {
			t.Errorf("twice: %d", status)
		}
		_, text := s.get("head:head", "/exceptional")
		for _, want := range []string{"Journée exceptionnelle (grève) : aucune famille n'est prévenue automatiquement.", "BENALI Léa", "motif proposé : grève", `href="/notices/new?text=strike"`} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not say %q:\n%s", want, text)
			}
		}
		if status, _ := s.post("head:head", "/exceptional", "do", "close"); status != http.StatusSeeOther {
			t.Errorf("the head ends it: %d", status)
		}
		if status, _ := s.post("head:head", "/exceptional", "do", "close"); status != http.StatusNotFound {
			t.Errorf("ended twice: %d", status)
		}
		if _, text := s.get("head:head", "/exceptional"); !strings.Contains(text, "Rien de ce jour ne partira pour autant.") {
			t.Errorf("%s", text)
		}
	})
}

// Whatever is noted, declared and ended, in whatever order: from the moment that the day was
// declared no further message about an absence leaves, and arrivals and corrections only to
// whoever was told before.
func TestExceptionalDayMachine(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			if n++; n > 12 {
				return // each takes a school of its own
			}
			fresh := db
			if n > 1 {
				if fresh = databasetest.SQLite(t); db.Engine() == database.Postgres {
					fresh = databasetest.Postgres(t)
				}
			}
			m := newMorning(t, fresh)
			m.at("08:06")
			declared, before := false, 0
			absences := func() (left int) {
				for _, l := range m.letters() {
					if strings.HasPrefix(l, "absence") {
						left++
					}
				}
				return left
			}
			for range rapid.IntRange(4, 12).Draw(rt, "steps") {
				m.now = m.now.Add(time.Duration(rapid.IntRange(0, 12).Draw(rt, "minutes")) * time.Minute)
				m.settle()
				switch rapid.IntRange(0, 4).Draw(rt, "what") {
				case 0:
					if !declared {
						before, declared = absences(), true
						m.declare("2026-11-24", rapid.SampledFrom(alert.ExceptionalReasons()).Draw(rt, "reason"))
					}
				case 1:
					err := m.db.InSchool(t.Context(), m.school, func(ctx context.Context, tx database.Tx) error {
						return m.alert.CloseExceptional(ctx, tx, m.school, "2026-11-24", "cpe", m.now)
					})
					if err != nil && !errors.Is(err, alert.ErrNotFound) {
						rt.Fatal(err)
					}
				default:
					m.mark(rapid.SampledFrom([]string{"maths", "francais"}).Draw(rt, "sitting"), rapid.SampledFrom([]string{"lea", "nora", "ewen"}).Draw(rt, "pupil"),
						rapid.SampledFrom([]attendance.Value{attendance.Absent, attendance.Absent, attendance.Present}).Draw(rt, "value"), 0)
				}
			}
			m.now = m.now.Add(20 * time.Minute)
			m.settle()
			if got := absences(); declared && got > before {
				rt.Fatalf("%d letters about absences before it was declared, %d after: %v", before, got, m.letters())
			}
		})
	})
}
