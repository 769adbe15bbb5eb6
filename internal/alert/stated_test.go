package alert_test

import (
	"context"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// claim states what one of the family announced of a pupil, from an hour of the day to another.
func (m *morning) claim(pupil, person string, from, until int) {
	m.t.Helper()
	y, mo, d := m.town.Tuesday.In(m.zone()).Date()
	m.in(func(ctx context.Context, tx database.Tx) error {
		return attendance.StateAll(ctx, tx, m.now, []attendance.Statement{{School: m.school, Pupil: pupil, Says: attendance.Elsewhere, Reason: attendance.Announced, Plan: "a-plan", Claimant: person, By: "a-" + person,
			FromAt: time.Date(y, mo, d, from, 0, 0, 0, m.zone()), UntilAt: time.Date(y, mo, d, until, 0, 0, 0, m.zone())}})
	})
	m.settle()
}

// TestARollAfterTheBell is about the hour before: who was expected elsewhere then is not missed
// because the roll comes late, by hand or from a device; of the others it is as ever.
func TestARollAfterTheBell(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:01")
		m.claim("lea", "nadia", 8, 9)
		m.at("09:03")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("09:40")
		m.want(nil, nil)
		m.mark("francais", "lea", attendance.Absent, 0) // the hour after was announced by nobody
		m.at("09:50")
		m.want(leaTold, nil)
	})
	both(t, func(m *morning) {
		m.at("08:01")
		m.claim("lea", "nadia", 8, 9)
		m.at("09:03")
		m.late("maths", "08:10", leaAway)
		m.at("09:40")
		m.want(nil, nil)
	})
}

// TestAnnouncedAfterTheFact withdraws what is held, also when what is announced is over by now.
func TestAnnouncedAfterTheFact(t *testing.T) {
	both(t, func(m *morning) {
		m.at("09:02")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("09:05")
		m.claim("lea", "nadia", 8, 9)
		m.at("09:30")
		m.want(nil, nil)
	})
}

// TestAContradictedClaim: one of the family announces the day, another who was told says that
// the pupil should be in class. The afternoon's absence is told.
func TestAContradictedClaim(t *testing.T) {
	for _, contradicted := range []bool{false, true} {
		both(t, func(m *morning) {
			s := told(m)
			m.in(func(ctx context.Context, tx database.Tx) error {
				pm := timetable.Sitting{School: m.school, ID: "sport", Kind: timetable.Lesson, Label: "Sport", ShortLabel: "sport", Source: timetable.FromPage, SourceKey: "sport", Groups: []string{"2de3"}}
				pm.At(m.town.Tuesday.Add(6*time.Hour), m.town.Tuesday.Add(7*time.Hour), m.zone())
				return timetable.Add(ctx, tx, pm)
			})
			path := m.linkTo("nadia", directory.SMS)
			m.at("08:21")
			m.claim("lea", "karim", 0, 23)
			if contradicted {
				s.answer(path, "answer", "should_be_here")
			}
			m.at("14:05")
			before := len(m.letters())
			m.mark("sport", "lea", attendance.Absent, 0)
			m.at("14:16")
			if more := len(m.letters()) > before; more != contradicted {
				t.Errorf("contradicted %v: told again %v", contradicted, more)
			}
		})
	}
}
