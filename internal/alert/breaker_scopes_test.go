package alert_test

import (
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// A roll's letters that the breaker keeps stay in the queue after the roll's own release
// while the whole school is held: only the school's release lets them go.
func TestRollReleasedInAHeldSchool(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		roll := m.firstHour()[0]
		in := m.onRoll(roll)
		few := map[string]bool{} // of the roll, told before anything strikes
		m.rolls(func(_ int, p string) bool {
			if in[p] && len(few) < 4 {
				few[p] = true
			}
			return few[p]
		})
		// Told, and the courier has not come by yet.
		m.now = m.now.Add(11 * time.Minute)
		if err := m.alert.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		waiting := m.counts()[courier.Waiting]
		if waiting == 0 {
			t.Fatal("no letter waits: this test tries nothing")
		}
		m.rolls(func(_ int, p string) bool { return in[p] }) // settles: held before the courier looks
		m.ask(roll.ID, "cpe")
		drawn := m.held(roll.ID).Request.DrawnPupils()
		m.rolls(func(i int, p string) bool { return in[p] || i%2 == 0 && !slices.Contains(drawn, p) })
		if m.counts()[courier.Waiting] != waiting {
			t.Fatalf("%v, want %d kept waiting", m.counts(), waiting)
		}
		word := alert.Word{Absent: map[string]bool{}}
		for _, p := range drawn {
			word.Absent[p] = in[p]
		}
		if err := m.answer(roll.ID, "head", nil, word); err != nil {
			t.Fatal(err)
		}
		m.settle()
		if n := m.counts(); n[courier.Waiting] != waiting {
			t.Errorf("letters left while the whole school is held: %v, signs %v", n, signs(m.held("").Trips))
		}
	})
}
