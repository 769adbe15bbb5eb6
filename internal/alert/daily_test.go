package alert_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
)

// daily gives the letters of the day, whatever became of them.
func (m *morning) daily() (out []courier.Letter) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		return tx.NewSelect().Model(&out).Where("l.kind = ?", courier.Daily).Scan(ctx)
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

// TestDaily: in the evening of a day on which a roll was called the head gets one letter,
// with what was told and what was not, and the journal's head.
func TestDaily(t *testing.T) {
	both(t, func(m *morning) {
		m.heads = []string{"head"}
		m.start()
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.mark("maths", "awa", attendance.Absent, 0)
		m.at("08:17")
		m.at("17:59")
		if got := m.daily(); len(got) != 0 {
			t.Fatalf("before the evening: %v", got)
		}
		m.at("18:00")
		m.start() // another start writes no second one
		m.at("18:10")
		got := m.daily()
		if len(got) != 1 || got[0].Person != "head" || got[0].State != courier.Left || got[0].Exercise {
			t.Fatalf("%+v", got)
		}
		for _, want := range []string{"en service", "2 élèves notés absents sur 6", "1 appel reste à faire", "Journal 2026-2027 : ligne "} {
			if !strings.Contains(strings.ReplaceAll(got[0].Body, "\u00a0", " "), want) && !strings.Contains(strings.ReplaceAll(got[0].Body, "\u202f", " "), want) {
				t.Errorf("it does not say %q:\n%s", want, got[0].Body)
			}
		}
		if strings.Contains(got[0].Body, "Benali") || strings.Contains(got[0].Body, "alert.") {
			t.Errorf("a name, or a word that is missing:\n%s", got[0].Body)
		}
	})
}

// TestDailyOnlyToAHead: whoever is no head any more when it leaves gets nothing, and a school
// that is not in service writes none.
func TestDailyOnlyToAHead(t *testing.T) {
	both(t, func(m *morning) {
		m.heads = []string{"head"}
		m.start()
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("17:30")
		zone, _ := m.town.School.Location()
		m.now = m.now.In(zone).Add(30 * 60e9)
		if err := m.alert.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.heads = []string{"cpe"}
		m.settle()
		if got := m.daily(); len(got) != 1 || got[0].State != courier.Void {
			t.Fatalf("%+v", got)
		}
	})
	both(t, func(m *morning) {
		m.heads = []string{"head"}
		m.start()
		m.serve(false)
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("18:10")
		if got := m.daily(); len(got) != 0 {
			t.Fatalf("not in service: %+v", got)
		}
		if slices.Contains(m.letters(), "daily") {
			t.Fatal("a letter")
		}
	})
}
