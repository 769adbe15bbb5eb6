package alert_test

import (
	"context"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/timetable"
)

// What was held when the program ended, and is found on a day on which the school is
// closed, is telephoned as on any other day: closed is what the school is now, and not
// what it was.
func TestHeldOverAClosedDay(t *testing.T) {
	both(t, func(m *morning) {
		m.in(func(ctx context.Context, tx database.Tx) error {
			next := m.town.Tuesday.AddDate(0, 0, 1).Format(time.DateOnly)
			return timetable.AddClosure(ctx, tx, timetable.Closure{School: m.school, ID: "bridge", FromOn: next, UntilOn: next, Reason: "Pont"})
		})
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.now = m.now.AddDate(0, 0, 1)
		m.restart()
		m.settle()
		if calls := m.calls(); len(calls) != 2 {
			t.Errorf("%v, want lea's two parents", calls)
		}
	})
}
