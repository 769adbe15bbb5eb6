package alert_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
)

// forgotten lists "pupil person" of everybody who is entitled to hear of an open absence
// and to whom nothing went, at whose address nothing arrived, and whom nobody is asked to
// telephone.
func (m *morning) forgotten() (out []string) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		day, err := alert.OfDay(ctx, tx, m.school, m.now.In(m.zone()).Format("2006-01-02"))
		if err != nil {
			return err
		}
		calls, err := alert.OpenCalls(ctx, tx, m.school)
		if err != nil {
			return err
		}
		for _, e := range day {
			if e.State != alert.Told && e.State != alert.Untold {
				continue
			}
			letters, err := courier.StatesAbout(ctx, tx, m.school, []string{e.ID})
			if err != nil {
				return err
			}
			told, addresses := map[string]bool{}, map[string]bool{}
			for _, l := range letters {
				// Two people of one address are one household: a call to one of them will do.
				called := slices.ContainsFunc(calls, func(c alert.Call) bool { return c.Episode == e.ID && c.Adult == l.Person })
				if l.State != courier.Left && l.State != courier.Delivered && !called {
					continue
				}
				p, err := directory.PointByID(ctx, tx, m.school, l.Contact)
				if err != nil {
					return err
				}
				told[l.Person], addresses[p.Address] = true, true
			}
			recipients, _, err := directory.MayBeTold(ctx, tx, m.school, e.Pupil, m.now)
			if err != nil {
				return err
			}
			for _, r := range recipients {
				heard := told[r.Person.ID] || slices.ContainsFunc(r.Points, func(p directory.ContactPoint) bool { return addresses[p.Address] }) ||
					slices.ContainsFunc(calls, func(c alert.Call) bool { return c.Episode == e.ID && c.Adult == r.Person.ID })
				if !heard {
					out = append(out, e.Pupil+" "+r.Person.ID)
				}
			}
			if len(recipients) == 0 && !slices.ContainsFunc(calls, func(c alert.Call) bool { return c.Episode == e.ID }) {
				out = append(out, e.Pupil+" nobody")
			}
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

// What the breaker held for a quarter of an hour is on the telephone list. After the release
// whoever has nothing to write to stays on it: no message takes the place of the call.
func TestReleaseForgetsNobody(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		n := m.rolls(func(i int, _ string) bool { return i%2 == 0 })
		m.at("08:40")
		if len(m.openCalls()) == 0 {
			t.Fatal("nobody is telephoned: this test tries nothing")
		}
		m.ask("", "cpe")
		if err := m.answer("", "head", nil, alert.Word{Expected: n}); err != nil {
			t.Fatal(err)
		}
		m.at("08:42")
		if len(m.toldPupils()) < n/2 {
			t.Fatalf("only %d told", len(m.toldPupils()))
		}
		if all := m.forgotten(); len(all) > 0 {
			t.Errorf("%d people hear nothing and are not telephoned, the first: %s", len(all), all[0])
		}
	})
}

// A letter that leaves after a release and is refused is telephoned like any other,
// although its family was on the list before.
func TestRefusedAfterRelease(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		n := m.rolls(func(i int, _ string) bool { return i%2 == 0 })
		m.at("08:40")
		m.ask("", "cpe")
		if err := m.answer("", "head", nil, alert.Word{Expected: n}); err != nil {
			t.Fatal(err)
		}
		// Written, and the installation is locked before the courier comes by.
		if err := m.alert.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m.counts()[courier.Waiting] == 0 {
			t.Fatal("no letter waits: this test tries nothing")
		}
		m.in(func(ctx context.Context, tx database.Tx) error {
			return m.courier.Lock(ctx, tx, m.school, courier.WhyAhead, m.now)
		})
		m.settle()
		if all := m.forgotten(); len(all) > 0 {
			t.Errorf("%d people hear nothing and are not telephoned, the first: %s", len(all), all[0])
		}
	})
}

func (m *morning) zone() *time.Location {
	m.t.Helper()
	zone, err := m.town.School.Location()
	if err != nil {
		m.t.Fatal(err)
	}
	return zone
}
