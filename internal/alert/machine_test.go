package alert_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// TestAlertMachine lives random mornings: marks in any order on two rolls, time, what the
// office states, a court's decision, the service closed and opened, restarts, letters
// that wait while others leave. After each step it asks what must always hold.
func TestAlertMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMorning(t, databasetest.SQLite(t))
		m.now = m.town.Tuesday.Add(7 * time.Minute)
		denied := false
		values := []attendance.Value{attendance.Present, attendance.Absent, attendance.Absent, attendance.Late}
		pupils := []string{"lea", "ewen"}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) { holds(rt, m) },
			"mark": func(rt *rapid.T) {
				m.mark(rapid.SampledFrom([]string{"maths", "maths", "francais"}).Draw(rt, "sitting"), rapid.SampledFrom(pupils).Draw(rt, "pupil"), rapid.SampledFrom(values).Draw(rt, "value"), 5)
			},
			"time": func(rt *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 15).Draw(rt, "minutes")) * time.Minute)
				m.settle()
			},
			"hours": func(rt *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 3).Draw(rt, "hours")) * time.Hour)
				m.settle()
			},
			"decide":  func(rt *rapid.T) { m.now = m.now.Add(time.Minute); m.decided() },
			"restart": func(*rapid.T) { m.restart(); m.settle() },
			"state": func(rt *rapid.T) {
				says := rapid.SampledFrom([]attendance.Says{attendance.Inside, attendance.Elsewhere}).Draw(rt, "says")
				pupil := rapid.SampledFrom(pupils).Draw(rt, "pupil")
				m.in(func(ctx context.Context, tx database.Tx) error {
					return attendance.State(ctx, tx, m.journal, m.now, attendance.Statement{School: m.school, Pupil: pupil, Says: says, Reason: attendance.Reasons(says)[0], FromAt: m.now, UntilAt: m.now.Add(20 * time.Minute), By: "office"})
				})
				m.settle()
			},
			"court": func(rt *rapid.T) {
				if denied {
					rt.Skip("decided already")
				}
				denied = true
				m.in(func(ctx context.Context, tx database.Tx) error {
					return directory.Add(ctx, tx, directory.Batch{Decisions: []directory.Decision{{School: m.school, ID: "d", Pupil: "lea", Adult: "karim", Reference: "26/1", FromOn: "2026-11-24", RecordedBy: "head", RecordedAt: m.now}}})
				})
			},
			"service": func(rt *rapid.T) { m.serve(rapid.Bool().Draw(rt, "open")); m.settle() },
		})
	})
}

// guardians are who may be told of each pupil of Léa's class.
var guardians = map[string][]string{"lea": {"nadia", "karim"}, "ewen": {"sylvie"}, "malo": {"adeline"}, "nora": {"tarek"}, "awa": {}}

// holds asks, of everything that is in the database, what must always hold.
func holds(t *rapid.T, m *morning) {
	var episodes []alert.Episode
	var letters []courier.Letter
	var faults []journal.Fault
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if episodes, err = alert.OfDay(ctx, tx, m.school, m.town.Tuesday.Format(time.DateOnly)); err != nil {
			return err
		}
		ids := make([]string, len(episodes))
		for i, e := range episodes {
			ids[i] = e.ID
		}
		if letters, err = courier.About(ctx, tx, m.school, ids); err != nil {
			return err
		}
		_, faults, err = m.journal.Verify(ctx, tx, nil)
		return err
	})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	byID := map[string]alert.Episode{}
	open := map[string]int{}
	for _, e := range episodes {
		byID[e.ID] = e
		if e.State == alert.Held || e.State == alert.Told || e.State == alert.Untold {
			open[e.Pupil+e.HalfDay]++
		}
	}
	for who, n := range open {
		if n > 1 {
			t.Fatalf("%d episodes of %s are open at once", n, who)
		}
	}
	once := map[string]bool{}
	follows := map[string]int{}
	for _, l := range letters {
		e := byID[l.Ref]
		key := fmt.Sprint(l.Ref, l.Kind, l.Person, l.Channel, l.Contact)
		if once[key] {
			t.Fatalf("twice the same letter: %s", key)
		}
		once[key] = true
		if l.Pupil != e.Pupil || !slices.Contains(guardians[e.Pupil], l.Person) {
			t.Fatalf("a letter about %s to %s", e.Pupil, l.Person)
		}
		if l.Kind != courier.Absence {
			follows[l.Ref+l.Contact]++
			if e.State != alert.Over {
				t.Fatalf("%s written while the episode is %s", l.Kind, e.State)
			}
			continue
		}
		if l.CreatedAt.Before(e.LeavesAt) {
			t.Fatalf("written at %s, held until %s", l.CreatedAt, e.LeavesAt)
		}
		if l.State.MayHaveLeft() && !l.LeavingAt.Before(e.ExpiresAt) {
			t.Fatalf("left at %s, expired at %s", l.LeavingAt, e.ExpiresAt)
		}
		if e.State == alert.Held || e.State == alert.Withdrawn {
			t.Fatalf("a letter of an episode that is %s", e.State)
		}
	}
	for _, l := range letters {
		if l.Kind != courier.Absence {
			continue
		}
		e, n := byID[l.Ref], follows[l.Ref+l.Contact]
		if n > 1 || n == 1 && !l.State.MayHaveLeft() {
			t.Fatalf("%d letters follow one that is %s", n, l.State)
		}
		// A register that is tidied a day later or more writes to nobody.
		tidied := e.SettledAt.Sub(e.FirstAt) >= 24*time.Hour
		if n > 0 && tidied {
			t.Fatalf("%d letters follow an absence that was tidied %s later", n, e.SettledAt.Sub(e.FirstAt))
		}
		if e.State == alert.Over && !tidied && l.State.MayHaveLeft() && n == 0 && m.now.Sub(e.SettledAt) < time.Hour {
			t.Fatalf("nothing follows a letter that %s", l.State)
		}
	}
}
