package alert_test

import (
	"context"
	"errors"
	"testing"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/timetable"
)

// saveBy saves a roll as it is, with one more pupil absent or not, by an account.
func (m *morning) saveBy(s timetable.Sitting, by string, absent func(pupil string) bool) {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) error {
		people, err := timetable.Pupils(ctx, tx, m.school, s)
		if err != nil {
			return err
		}
		current, err := attendance.Current(ctx, tx, m.school, s.ID)
		if err != nil {
			return err
		}
		save := attendance.Save{School: m.school, Sitting: s.ID, Day: s.Day, By: by, Origin: attendance.FromRoll}
		for _, p := range people {
			e := attendance.Entry{Pupil: p.ID, Value: attendance.Present, Base: current[p.ID].N}
			if absent(p.ID) {
				e.Value = attendance.Absent
			}
			save.Pupils, save.Entries = append(save.Pupils, p.ID), append(save.Entries, e)
		}
		_, err = attendance.SaveRoll(ctx, tx, m.journal, m.now, save)
		return err
	})
	m.settle()
}

// Whoever noted the absent of a held roll is not the second person, although somebody saved
// the roll before them and somebody after.
func TestWhoMadeTheMarksIsConcerned(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		roll := m.firstHour()[0]
		in := m.onRoll(roll)
		one := ""
		for p := range in {
			one = max(one, p)
		}
		m.saveBy(roll, "teacher", func(string) bool { return false })
		m.saveBy(roll, "head-account", func(string) bool { return true })
		m.saveBy(roll, "teacher", func(p string) bool { return p != one })
		m.ask(roll.ID, "cpe")
		word := alert.Word{Absent: map[string]bool{}}
		for _, p := range m.held(roll.ID).Request.DrawnPupils() {
			word.Absent[p] = p != one
		}
		if err := m.answer(roll.ID, "head", []string{"head-account"}, word); !errors.Is(err, alert.ErrConcerned) {
			t.Errorf("who noted everybody absent let it go: %v", err)
		}
	})
}

// What was saved and not decided yet was not shown: a release does not speak for it.
func TestReleaseBesideAnUndecidedRoll(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		last := m.onRoll(m.firstHour()[1])
		n := m.rolls(func(i int, p string) bool { return i%3 == 0 && !last[p] })
		m.ask("", "cpe")
		m.unsettled = true
		m.rolls(func(i int, p string) bool { return i%3 == 0 || last[p] })
		m.unsettled = false
		if err := m.answer("", "head", nil, alert.Word{Expected: n}); !errors.Is(err, alert.ErrChanged) {
			t.Errorf("%v", err)
		}
		m.at("08:30")
		for p := range m.toldPupils() {
			if last[p] {
				t.Fatalf("%s was told, of whom nobody was asked", p)
			}
		}
	})
}
