package alert_test

import (
	"context"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
)

// A letter that waits is void while its pupil is in the infirmary. A pupil who is missed
// when that is over was told of nowhere: somebody telephones.
func TestVoidLetterOfAPupilMissedLater(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.now = m.now.Add(10 * time.Minute)
		if err := m.alert.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m.counts()[courier.Waiting] == 0 {
			t.Fatal("no letter waits: this test tries nothing")
		}
		m.in(func(ctx context.Context, tx database.Tx) error {
			return attendance.State(ctx, tx, m.journal, m.now, attendance.Statement{School: m.school, Pupil: "lea", Says: attendance.Inside, Reason: "infirmary", FromAt: m.now, UntilAt: m.now.Add(30 * time.Minute), By: "a-office"})
		})
		m.settle()
		if m.counts()[courier.Void] == 0 {
			t.Fatalf("%v: this test tries nothing", m.counts())
		}
		m.at("08:30")
		m.want(nil, nil) // in the infirmary
		m.at("08:50")
		m.want(nil, nil) // that is over, and nobody has called a roll since
		m.at("09:07")
		m.mark("francais", "lea", attendance.Absent, 0)
		m.at("09:30")
		if all := m.forgotten(); len(all) > 0 {
			t.Errorf("told in the books, and nobody heard: %v", all)
		}
	})
}

// The same where the office took back what it had said of the wrong pupil.
func TestVoidLetterOfTheWrongPupil(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.now = m.now.Add(10 * time.Minute)
		if err := m.alert.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.state("lea", attendance.Elsewhere, "outing") // settles: the letters are void
		m.in(func(ctx context.Context, tx database.Tx) error {
			all, err := attendance.Statements(ctx, tx, m.school, []string{"lea"}, m.now)
			if err != nil || len(all["lea"]) != 1 {
				t.Fatalf("%v %v", all, err)
			}
			return attendance.Withdraw(ctx, tx, m.journal, m.now, m.school, all["lea"][0].ID, "a-office")
		})
		m.at("08:30")
		if all := m.forgotten(); len(all) > 0 {
			t.Errorf("told in the books, and nobody heard: %v", all)
		}
	})
}
