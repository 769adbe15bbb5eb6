package alert_test

import (
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
)

// Whoever tidies the register of last month writes to nobody: not at night, not from a school
// that is out of service by now, not about an absence that its family settled long ago.
func TestAnOldRegisterIsCorrectedInSilence(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:17")
		m.want(leaTold, nil)
		m.serve(false)
		m.now = m.now.AddDate(0, 1, 0)
		m.mark("maths", "lea", attendance.Present, 0)
		m.want(leaTold, nil)
		m.now = m.now.Add(10 * time.Minute)
		m.mark("francais", "lea", attendance.Late, 5)
		m.want(leaTold, nil)
	})
	both(t, func(m *morning) { // on the next morning it is still said
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:17")
		m.now = m.now.Add(23 * time.Hour)
		m.mark("maths", "lea", attendance.Present, 0)
		if all := strings.Join(m.letters(), " "); strings.Count(all, "correction") != 3 {
			t.Errorf("%s", all)
		}
	})
}
