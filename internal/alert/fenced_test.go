package alert_test

import (
	"context"
	"slices"
	"testing"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// Behind the fence nothing leaves, and nobody is forgotten: what was about to leave when it
// locked, and what is told afterwards, is telephoned.
func TestBehindTheFence(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := newMorning(t, db)
		lock := func() {
			m.in(func(ctx context.Context, tx database.Tx) error {
				return m.courier.Lock(ctx, tx, m.school, courier.WhyTripwire, m.now)
			})
		}
		m.at("08:06")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:15")
		lock() // while she is held
		m.at("08:17")
		if got := m.letters(); len(got) != 0 {
			t.Errorf("left behind the fence: %v", got)
		}
		if got := m.calls(); !slices.Equal(got, []string{"lea karim fenced", "lea nadia fenced"}) {
			t.Errorf("to telephone: %v", got)
		}
	})
}
