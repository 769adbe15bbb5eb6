package alert_test

import (
	"context"
	"testing"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
)

// A day of a rehearsal on which everybody is there has its letter too: that nothing would
// have been sent is what its head wants to read.
func TestDailyOfAQuietRehearsal(t *testing.T) {
	newSchool(t, func(m *morning) {
		m.heads = []string{"head"}
		m.start()
		m.in(func(ctx context.Context, tx database.Tx) error {
			return m.alert.StartRehearsal(ctx, tx, m.school, "head", m.now)
		})
		m.at("08:07")
		m.mark("maths", "lea", attendance.Present, 0)
		m.at("18:01")
		if got := m.daily(); len(got) != 1 || !got[0].Exercise {
			t.Errorf("%+v", got)
		}
	})
}

// A letter of the day that waits is not sent from a school that was taken out of service
// meanwhile: it sends nothing at all.
func TestDailyOfASchoolOutOfService(t *testing.T) {
	both(t, func(m *morning) {
		m.heads = []string{"head"}
		m.start()
		m.at("08:07")
		m.mark("maths", "lea", attendance.Present, 0)
		m.now = m.now.Add(10 * 3600e9)
		if err := m.alert.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := m.daily(); len(got) != 1 || got[0].State != courier.Waiting {
			t.Fatalf("%+v: this test tries nothing", got)
		}
		m.serve(false)
		m.settle()
		if got := m.daily(); got[0].State != courier.Void {
			t.Errorf("%s", got[0].State)
		}
	})
}
