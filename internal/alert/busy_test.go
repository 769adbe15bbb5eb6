package alert_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// waiting lists the letters of a channel that have not begun to leave.
func (m *morning) waiting(ch directory.Channel) (out []courier.Letter) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		episodes, err := alert.OfDay(ctx, tx, m.school, timetable.Day(m.now, m.town.Tuesday.Location()))
		if err != nil {
			return err
		}
		var refs []string
		for _, e := range episodes {
			refs = append(refs, e.ID)
		}
		letters, err := courier.About(ctx, tx, m.school, refs)
		for _, l := range letters {
			if l.Channel == ch && l.State == courier.Waiting {
				out = append(out, l)
			}
		}
		return err
	})
	if err != nil || len(out) < 2 {
		m.t.Fatalf("%d letters wait: %v", len(out), err)
	}
	return out
}

// newBusyMorning is an ordinary Tuesday of a lycée of 1,200 at 8:21: 70 absent, of
// whom 31 are known to be elsewhere or inside, 12 told, 24 held, 3 to telephone.
func newBusyMorning(t testing.TB, db *database.DB) *morning {
	t.Helper()
	m := &morning{t: t, db: db, town: fictional.School(1, fictional.Options{Weeks: 1})}
	m.now, m.school = m.town.Tuesday, m.town.School.ID
	var err error
	if m.journal, err = journal.New(bytes.Repeat([]byte{3}, journal.MinKey)); err != nil {
		t.Fatal(err)
	}
	if err := fictional.Save(t.Context(), db, m.town); err != nil {
		t.Fatal(err)
	}
	m.start()
	m.serve(true)

	var lessons []timetable.Sitting
	first := m.town.Tuesday.Add(5 * time.Minute)
	for _, s := range m.town.Sittings {
		if s.StartsAt.Equal(first) && len(s.Groups) == 1 && s.Kind == timetable.Lesson {
			lessons = append(lessons, s)
		}
	}
	if len(lessons) < 30 {
		t.Fatalf("only %d lessons on the Tuesday at 8:05", len(lessons))
	}
	unreachable := func(p directory.Person) bool { return p.ID == m.town.Cast.Unreachable }
	seen, absent := map[string]bool{}, 0
	known := []string{"announced", "announced", "internship", "announced", "infirmary"}
	for i, s := range lessons {
		m.now = first.Add(time.Duration(2+i*13/len(lessons)) * time.Minute)
		m.in(func(ctx context.Context, tx database.Tx) error {
			people, err := timetable.Pupils(ctx, tx, m.school, s)
			if err != nil {
				return err
			}
			save := attendance.Save{School: m.school, Sitting: s.ID, Day: s.Day, By: "teacher", Origin: attendance.FromRoll}
			here := 0
			for j, p := range people {
				if seen[p.ID] {
					continue
				}
				seen[p.ID] = true
				save.Pupils = append(save.Pupils, p.ID)
				e := attendance.Entry{Pupil: p.ID, Value: attendance.Present}
				wanted := (i+1)*70/len(lessons) - i*70/len(lessons)
				if slices.ContainsFunc(people[j:], unreachable) {
					wanted-- // a place for the one whom nobody can write to
				}
				if (j%5 == 1 && here < wanted) || unreachable(p) {
					e.Value = attendance.Absent
					here++
					if absent++; absent*31/70 > (absent-1)*31/70 && !unreachable(p) {
						reason := known[absent%len(known)]
						says := attendance.Elsewhere
						if reason == "infirmary" {
							says = attendance.Inside
						}
						st := attendance.Statement{School: m.school, Pupil: p.ID, Says: says, Reason: reason, FromAt: m.town.Tuesday, UntilAt: m.town.Tuesday.Add(9 * time.Hour), By: "a-office"}
						if err := attendance.State(ctx, tx, m.journal, m.now, st); err != nil {
							return err
						}
					}
				}
				save.Entries = append(save.Entries, e)
			}
			_, err = attendance.SaveRoll(ctx, tx, m.journal, m.now, save)
			return err
		})
		if err := m.alert.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	m.now = first.Add(16 * time.Minute)
	if err := m.alert.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	waiting := m.waiting(directory.SMS)
	m.loseAnswers("unsure", waiting[0].ID)
	m.loseAnswers("refused", waiting[len(waiting)-1].ID)
	m.settle()
	if absent != 70 {
		t.Fatalf("%d absent, wanted 70", absent)
	}
	return m
}

func (m *morning) board() (b alert.Today) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		b, err = alert.Board(ctx, tx, m.school, m.now)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

// loseAnswers makes the letters of some pupils unsure, as a program that ended while
// they were leaving would, and refuses others.
func (m *morning) loseAnswers(state string, letters ...string) {
	m.t.Helper()
	for _, id := range letters {
		for _, set := range []string{"state = 'leaving', attempts = attempts + 1, leaving_at = due_at", "state = '" + state + "', because = 'no-answer', settled_at = due_at"} {
			if err := m.db.Statement(m.t.Context(), "UPDATE courier_letters SET "+set+" WHERE id = '"+id+"'"); err != nil {
				m.t.Fatal(err)
			}
		}
	}
}

func (m *morning) journalAppend(ctx context.Context, tx database.Tx, act, subject string, detail map[string]string) error {
	return m.journal.Append(ctx, tx, m.school, m.now, journal.Deed{Act: act, Actor: "dead", Subject: subject, Detail: detail})
}
