package alert_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// late delivers the roll of a sitting that was called at a time without a network.
func (m *morning) late(sitting, made string, values map[string]attendance.Value) {
	m.t.Helper()
	now := m.now
	m.in(func(ctx context.Context, tx database.Tx) error { return m.lateIn(ctx, tx, sitting, made, values) })
	m.now = now
	m.settle()
}

func (m *morning) lateIn(ctx context.Context, tx database.Tx, sitting, made string, values map[string]attendance.Value) error {
	s, err := timetable.ByID(ctx, tx, m.school, sitting)
	if err != nil {
		return err
	}
	people, err := timetable.Pupils(ctx, tx, m.school, s)
	if err != nil {
		return err
	}
	clock, err := time.Parse("15:04", made)
	if err != nil {
		return err
	}
	y, mo, d := m.town.Tuesday.In(m.zone()).Date()
	save := attendance.Save{School: m.school, Sitting: sitting, Day: s.Day, By: "teacher", Origin: attendance.FromRoll, Late: true,
		MadeAt: time.Date(y, mo, d, clock.Hour(), clock.Minute(), 0, 0, m.zone())}
	for _, p := range people {
		save.Pupils = append(save.Pupils, p.ID)
		e := attendance.Entry{Pupil: p.ID, Value: attendance.Present}
		if v, ok := values[p.ID]; ok {
			e.Value, e.Minutes = v, 10
		}
		save.Entries = append(save.Entries, e)
	}
	_, err = attendance.SaveRoll(ctx, tx, m.journal, m.now, save)
	return err
}

var leaAway = map[string]attendance.Value{"lea": attendance.Absent}

// TestALateRollIsHeldFromItsTap: the hold runs from when the teacher pressed the button.
func TestALateRollIsHeldFromItsTap(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:12")
		m.late("maths", "08:07", leaAway)
		m.want(nil, nil)
		m.at("08:16")
		m.want(nil, nil)
		m.at("08:17")
		m.want(leaTold, nil)
	})
	both(t, func(m *morning) {
		m.at("08:40")
		m.late("maths", "08:07", leaAway)
		m.want(leaTold, nil)
		story := page.Plain(m.explained(m.letterAbout("nadia", "lea", courier.Absence).ID, "fr", false))
		if !strings.Contains(story, "sans réseau ; reçu à 08:40:00") && !strings.Contains(story, "sans réseau ; reçu à 8 h 40") {
			t.Errorf("the story does not say when the roll came:\n%s", story)
		}
	})
}

// TestALateRollWithItsCorrection: what was tapped and taken back without a network comes in
// one transaction, and nobody is told.
func TestALateRollWithItsCorrection(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:40")
		m.in(func(ctx context.Context, tx database.Tx) error {
			if err := m.lateIn(ctx, tx, "maths", "08:07", leaAway); err != nil {
				return err
			}
			return m.lateIn(ctx, tx, "maths", "08:14", map[string]attendance.Value{"lea": attendance.Late})
		})
		m.settle()
		m.want(nil, nil)
	})
}

// TestALateRollAfterItsTime: no message, a row at the office; the next day neither.
func TestALateRollAfterItsTime(t *testing.T) {
	both(t, func(m *morning) {
		m.at("11:06")
		m.late("maths", "08:07", leaAway)
		m.want(nil, []string{"lea karim too-late", "lea nadia too-late"})
	})
	both(t, func(m *morning) {
		m.at("07:50")
		m.now = m.now.AddDate(0, 0, 1)
		m.late("maths", "08:07", leaAway)
		m.want(nil, nil)
	})
}

// TestALateRollOfWhoIsThere: a later roll has seen the pupil, before or after the time of
// the late one is over: nobody is told, and nobody telephones.
func TestALateRollOfWhoIsThere(t *testing.T) {
	for _, comes := range []string{"09:30", "11:06"} {
		both(t, func(m *morning) {
			m.at("09:07")
			m.mark("francais", "lea", attendance.Present, 0)
			m.at(comes)
			m.late("maths", "08:07", leaAway)
			m.want(nil, nil)
		})
	}
}

// TestALateRollAfterACorrection: whoever corrected the roll had not seen what came later.
func TestALateRollAfterACorrection(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "ewen", attendance.Absent, 0)
		m.at("08:12")
		if _, err := m.pressAll("maths"); err != nil {
			t.Fatal(err)
		}
		m.at("08:30")
		m.in(func(ctx context.Context, tx database.Tx) error {
			return m.absentAlone(ctx, tx, "maths", "08:09", "lea")
		})
		m.settle()
		m.want(leaTold, nil)
	})
}

// absentAlone delivers one pupil's late absence, on top of what the roll says.
func (m *morning) absentAlone(ctx context.Context, tx database.Tx, sitting, made, pupil string) error {
	current, err := attendance.Current(ctx, tx, m.school, sitting)
	if err != nil {
		return err
	}
	clock, err := time.Parse("15:04", made)
	if err != nil {
		return err
	}
	y, mo, d := m.town.Tuesday.In(m.zone()).Date()
	_, err = attendance.SaveRoll(ctx, tx, m.journal, m.now, attendance.Save{School: m.school, Sitting: sitting, Day: current[pupil].Day, By: "teacher",
		Origin: attendance.FromRoll, Late: true, MadeAt: time.Date(y, mo, d, clock.Hour(), clock.Minute(), 0, 0, m.zone()), Pupils: []string{pupil},
		Entries: []attendance.Entry{{Pupil: pupil, Value: attendance.Absent, Base: current[pupil].N}}})
	return err
}

// TestWhoseErrorALateMarkProves: a letter that left before the correction reached us is not
// the program's error.
func TestWhoseErrorALateMarkProves(t *testing.T) {
	at := func(h, m int) time.Time { return time.Date(2026, 11, 24, h, m, 0, 0, time.UTC) }
	marks := []attendance.Mark{{N: 1, Value: attendance.Absent, At: at(8, 7)}, {N: 2, Value: attendance.Present, At: at(8, 12), ReceivedAt: at(8, 30)}}
	if alert.ByProgram(marks, at(8, 17)) {
		t.Error("a mark that had not come proves that the program knew")
	}
	if !alert.ByProgram(marks, at(8, 31)) {
		t.Error("a mark that had come proves nothing")
	}
}
