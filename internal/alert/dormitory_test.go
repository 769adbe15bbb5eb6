package alert_test

import (
	"context"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/timetable"
)

// A pupil who is missed in the dormitory at nine in the evening is missed now: the family is
// told, as of a lesson in the morning. Of a lesson at that hour it would be telephoned.
func TestMissedInTheDormitory(t *testing.T) {
	both(t, func(m *morning) {
		evening := m.town.Tuesday.Add(13 * time.Hour) // 21:00 in Paris
		for _, one := range []struct {
			id, group string
			kind      timetable.Kind
		}{{"internat", "2de3", timetable.Dormitory}, {"club", "1re5", timetable.Study}} {
			s := timetable.Sitting{School: m.school, ID: one.id, Kind: one.kind, Label: "Internat", ShortLabel: "internat", Source: timetable.Fictional, SourceKey: one.id, Groups: []string{one.group}, Staff: []timetable.Charge{{Person: "supervisor"}}}
			s.At(evening, evening.Add(10*time.Hour), m.zone())
			m.in(func(ctx context.Context, tx database.Tx) error { return timetable.Add(ctx, tx, s) })
		}
		m.at("21:10")
		m.mark("internat", "lea", attendance.Absent, 0)
		m.want(nil, nil)
		m.at("21:20")
		m.want(leaTold, nil)
		m.mark("club", "sami", attendance.Absent, 0)
		m.want(leaTold, []string{"sami karim too-late", "sami nadia too-late"})
	})
}
