package alert_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/fictional"
)

// A day of a rehearsal that was looked at before its absences came was not looked at; nor was
// one whose roll was called before, without a network, and came after.
func TestADayIsLookedAtAfterItsAbsences(t *testing.T) {
	for _, comes := range []func(*morning){
		func(m *morning) { m.at("08:07"); m.mark("maths", "lea", attendance.Absent, 0) },
		func(m *morning) { m.at("08:07"); m.late("maths", "08:01", leaAway) },
	} {
		lookedAtAfter(t, comes)
	}
}

func lookedAtAfter(t *testing.T, comes func(*morning)) {
	newSchool(t, func(m *morning) {
		look := func() {
			m.in(func(ctx context.Context, tx database.Tx) error {
				return m.alert.JudgeDay(ctx, tx, m.school, m.now.In(m.zone()).Format(time.DateOnly), nil, 0, "office", m.now)
			})
		}
		end := func() error {
			return m.do(func(ctx context.Context, tx database.Tx) error {
				return m.alert.EndRehearsal(ctx, tx, m.school, alert.Ready, "head", m.now)
			})
		}
		m.in(func(ctx context.Context, tx database.Tx) error {
			return m.alert.StartRehearsal(ctx, tx, m.school, "head", m.now)
		})
		m.at("08:02")
		look()
		comes(m)
		m.at("08:20")
		for _, n := range []int{1, 2, 3, 6} {
			m.day(n)
			m.in(func(ctx context.Context, tx database.Tx) error {
				return fictional.CallEmpty(ctx, tx, m.journal, m.town, m.now)
			})
			look()
		}
		if err := end(); !errors.Is(err, alert.ErrTooSoon) {
			t.Fatalf("found right with a message that nobody looked at: %v", err)
		}
		m.in(func(ctx context.Context, tx database.Tx) error {
			return m.alert.JudgeDay(ctx, tx, m.school, m.town.Tuesday.Format(time.DateOnly), nil, 0, "office", m.now)
		})
		if err := end(); err != nil {
			t.Fatal(err)
		}
	})
}
