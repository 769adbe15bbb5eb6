package alert_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// pressAll presses the correction of a scope.
func (m *morning) pressAll(sitting string) (alert.Correct, error) {
	m.t.Helper()
	var x alert.Correct
	err := m.db.InSchool(m.t.Context(), m.school, func(ctx context.Context, tx database.Tx) (err error) {
		x, err = m.alert.PressCorrection(ctx, tx, m.school, m.town.Tuesday.Format(time.DateOnly)+"/am", sitting, "office", m.now)
		return err
	})
	return x, err
}

// byKind lists who got which kind: contact and pupil.
func (m *morning) byKind(k courier.Kind) map[string]courier.Letter {
	m.t.Helper()
	out := map[string]courier.Letter{}
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		all, err := courier.Recent(ctx, tx, m.school, 5000)
		for _, l := range all {
			if l.Kind == k {
				out[l.Contact+"/"+l.Pupil] = l
			}
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

// One press tells exactly those who were told, withdraws what is held, goes by a stop, and
// is done once.
func TestCorrectionOfAMorning(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		m.rolls(func(i int, _ string) bool { return i%15 == 0 })
		m.at("08:17")
		told := m.byKind(courier.Absence)
		if len(told) == 0 {
			t.Fatal("nobody was told")
		}
		m.rolls(func(i int, _ string) bool { return i%15 == 0 || i%40 == 1 }) // some more, held
		m.in(func(ctx context.Context, tx database.Tx) error {
			_, err := m.courier.Stop(ctx, tx, m.school, "office", m.now)
			return err
		})
		x, err := m.pressAll("")
		if err != nil {
			t.Fatal(err)
		}
		m.settle()
		corrected := m.byKind(courier.Correction)
		for to, l := range told {
			c, ok := corrected[to]
			if !ok {
				t.Errorf("%s was told and not corrected", to)
			} else if c.Channel != l.Channel || !strings.Contains(c.Body, "erreur de l'établissement") && !strings.Contains(c.Body, "the school's mistake") {
				t.Errorf("%s by %s: %s", to, c.Channel, c.Body)
			}
		}
		if len(corrected) != len(told) {
			t.Errorf("%d corrected, %d told", len(corrected), len(told))
		}
		m.at("08:40")
		if again := m.byKind(courier.Absence); len(again) != len(told) {
			t.Errorf("%d told after the correction, %d before", len(again), len(told))
		}
		if _, err := m.pressAll(""); !errors.Is(err, alert.ErrNothingSaid) {
			t.Errorf("a second press: %v", err)
		}
		var done []alert.Correct
		m.in(func(ctx context.Context, tx database.Tx) (err error) {
			done, err = alert.CorrectionsOf(ctx, tx, m.school, m.town.Tuesday.Format(time.DateOnly))
			return err
		})
		if len(done) != 1 || done[0].ID != x.ID || done[0].DoneAt.IsZero() {
			t.Errorf("%+v", done)
		}
	})
}

// A roll is corrected alone.
func TestCorrectionOfARoll(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		m.rolls(func(i int, _ string) bool { return i%15 == 0 })
		m.at("08:17")
		roll := m.firstHour()[0]
		in := m.onRoll(roll)
		if _, err := m.pressAll(roll.ID); err != nil {
			t.Fatal(err)
		}
		m.settle()
		for to, l := range m.byKind(courier.Correction) {
			if !in[l.Pupil] {
				t.Errorf("%s is not of the roll", to)
			}
		}
		n := 0
		for _, l := range m.byKind(courier.Absence) {
			if in[l.Pupil] {
				n++
			}
		}
		if got := len(m.byKind(courier.Correction)); n == 0 || got != n {
			t.Errorf("%d corrected of %d", got, n)
		}
	})
}

func TestByProgram(t *testing.T) {
	at := time.Date(2026, 11, 24, 7, 5, 0, 0, time.UTC)
	mark := func(v attendance.Value, minutes int) attendance.Mark {
		return attendance.Mark{Value: v, At: at.Add(time.Duration(minutes) * time.Minute)}
	}
	left := at.Add(12 * time.Minute)
	for name, c := range map[string]struct {
		marks []attendance.Mark
		want  bool
	}{
		"absent":                              {[]attendance.Mark{mark(attendance.Absent, 0)}, false},
		"absent, and present after it left":   {[]attendance.Mark{mark(attendance.Absent, 0), mark(attendance.Present, 20)}, false},
		"absent, and present before it left":  {[]attendance.Mark{mark(attendance.Absent, 0), mark(attendance.Present, 5)}, true},
		"late before it left":                 {[]attendance.Mark{mark(attendance.Absent, 0), mark(attendance.Late, 5)}, true},
		"present, and absent again before it": {[]attendance.Mark{mark(attendance.Absent, 0), mark(attendance.Present, 5), mark(attendance.Absent, 6)}, false},
		"no mark at all":                      {nil, false},
	} {
		if got := alert.ByProgram(c.marks, left); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The guards of corrections hold whoever writes the SQL.
func TestCorrectionsAgainstSQL(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		m.rolls(func(i int, _ string) bool { return i%15 == 0 })
		if _, err := m.pressAll(""); err != nil {
			t.Fatal(err)
		}
		refused := []string{
			"DELETE FROM alert_corrections", "UPDATE alert_corrections SET by = 'x'", "UPDATE alert_corrections SET sitting = 'x'",
		}
		if db.Engine() == database.SQLite {
			refused = append(refused, "INSERT OR REPLACE INTO alert_corrections (school, id, half_day, sitting, by, at, pupils) SELECT school, id, half_day, sitting, 'x', at, pupils FROM alert_corrections")
		} else {
			refused = append(refused, "TRUNCATE alert_corrections")
		}
		for _, q := range refused {
			if err := db.Statement(t.Context(), q); err == nil {
				t.Errorf("it was taken: %s", q)
			}
		}
	})
}

// The guards of the breaker hold whoever writes the SQL.
func TestBreakerAgainstSQL(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		m.rolls(func(i int, _ string) bool { return i%2 == 0 })
		m.ask("", "cpe")
		refused := []string{
			"UPDATE alert_episodes SET state = 'told'",
			"UPDATE alert_trips SET ended_at = '2026-11-24 07:20:00', ended_by = 'x'",
			"UPDATE alert_trips SET day = '2026-11-23'", "UPDATE alert_trips SET sitting = 'x'", "DELETE FROM alert_trips", "DELETE FROM alert_requests",
			"UPDATE alert_requests SET shown = 'x'", "UPDATE alert_requests SET asked_by = 'x'",
			"UPDATE alert_requests SET outcome = 'released', ended_by = asked_by, ended_at = '2026-11-24 07:20:00'",
		}
		if db.Engine() == database.SQLite {
			refused = append(refused, "INSERT OR REPLACE INTO alert_trips (school, id, day, sitting, sign, seen, most, at) SELECT school, id, '2026-11-23', sitting, sign, seen, most, at FROM alert_trips")
		} else {
			refused = append(refused, "TRUNCATE alert_trips", "TRUNCATE alert_requests")
		}
		for _, q := range refused {
			if err := db.Statement(t.Context(), q); err == nil {
				t.Errorf("it was taken: %s", q)
			}
		}
	})
}

// A roll that was saved before the press and decided after it is of the mistake too.
func TestCorrectionOfWhatIsNotDecidedYet(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		m.rolls(func(i int, _ string) bool { return i%30 == 0 })
		m.unsettled = true
		n := m.rolls(func(i int, _ string) bool { return i%30 == 0 || i%30 == 7 })
		m.unsettled = false
		if _, err := m.pressAll(""); err != nil {
			t.Fatal(err)
		}
		m.at("08:40")
		if told := m.toldPupils(); len(told) != 0 {
			t.Errorf("%d of %d pupils' families were told after the press", len(told), n)
		}
	})
}

// Nobody guesses on: after two requests that ended by wrong answers there is no third.
func TestNobodyGuessesOn(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		m.rolls(func(i int, _ string) bool { return i%2 == 0 })
		for range 2 {
			m.ask("", "cpe")
			for range 3 {
				if err := m.answer("", "head", nil, alert.Word{Expected: 1}); !errors.Is(err, alert.ErrWrong) {
					t.Fatal(err)
				}
			}
		}
		err := m.db.InSchool(t.Context(), m.school, func(ctx context.Context, tx database.Tx) error {
			return m.alert.AskRelease(ctx, tx, m.school, "", "cpe", m.now)
		})
		if !errors.Is(err, alert.ErrTired) {
			t.Errorf("a third request: %v", err)
		}
	})
}
