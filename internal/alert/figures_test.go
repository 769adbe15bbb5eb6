package alert_test

import (
	"context"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

func (m *morning) lag() (d time.Duration) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		d, err = alert.Lag(ctx, tx, m.now)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return d
}

// TestLag: an absence is late from the moment on at which somebody should have decided, or
// told; what is held, for ten minutes or by the breaker, is not.
func TestLag(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.now = m.now.Add(9 * time.Minute)
		if got := m.lag(); got != 0 {
			t.Errorf("within the hold: %v", got)
		}
		m.now = m.now.Add(4 * time.Minute)
		if got := m.lag(); got != 3*time.Minute {
			t.Errorf("due for 3 minutes: %v", got)
		}
		m.settle()
		if got := m.lag(); got != 0 {
			t.Errorf("told: %v", got)
		}
	})
}

func TestLagOfUndecidedMarks(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:10")
		m.unsettled = true
		m.rolls(func(_ int, pupil string) bool { return true })
		m.now = m.now.Add(90 * time.Second)
		if got := m.lag(); got != 90*time.Second {
			t.Errorf("nobody has decided for 90 s: %v", got)
		}
		m.settle()
		m.now = m.now.Add(20 * time.Minute)
		m.settle()
		if got := m.lag(); got != 0 {
			t.Errorf("the breaker holds a whole school, and that is called late: %v", got)
		}
	})
}

// TestLagOfALateRoll: what was called without a network is late from when it reached us, and
// not from when it was called.
func TestLagOfALateRoll(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:40")
		m.in(func(ctx context.Context, tx database.Tx) error { return m.lateIn(ctx, tx, "maths", "08:07", leaAway) })
		for _, after := range []time.Duration{0, 30 * time.Second} {
			m.now = m.now.Add(after)
			if got := m.lag(); got != after {
				t.Errorf("undecided %v after it came: %v", after, got)
			}
		}
	})
}
