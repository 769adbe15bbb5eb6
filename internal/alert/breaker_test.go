package alert_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/timetable"
)

// lycee is a lycée of 200 on its Tuesday.
func lycee(t testing.TB, db *database.DB) *morning {
	return morningOf(t, db, fictional.School(7, fictional.Options{Pupils: 200, Weeks: 1}))
}

// rolls saves every roll of the first hour, each by its own teacher; absent says who is.
func (m *morning) rolls(absent func(i int, pupil string) bool) (n int) {
	m.t.Helper()
	first := m.firstHour()
	i := 0
	for _, s := range first {
		m.in(func(ctx context.Context, tx database.Tx) error {
			people, err := timetable.Pupils(ctx, tx, m.school, s)
			if err != nil {
				return err
			}
			current, err := attendance.Current(ctx, tx, m.school, s.ID)
			if err != nil {
				return err
			}
			save := attendance.Save{School: m.school, Sitting: s.ID, Day: s.Day, By: "teacher of " + s.ID, Origin: attendance.FromRoll, OpenedAt: m.now.Add(-40 * time.Second)}
			for _, p := range people {
				e := attendance.Entry{Pupil: p.ID, Value: attendance.Present, Base: current[p.ID].N}
				if absent(i, p.ID) {
					e.Value = attendance.Absent
					n++
				}
				i++
				save.Pupils, save.Entries = append(save.Pupils, p.ID), append(save.Entries, e)
			}
			_, err = attendance.SaveRoll(ctx, tx, m.journal, m.now, save)
			return err
		})
	}
	if !m.unsettled {
		m.settle()
	}
	return n
}

// firstHour lists the sittings that begin with the day.
func (m *morning) firstHour() (out []timetable.Sitting) {
	day := m.town.Tuesday.Format(time.DateOnly)
	var first time.Time
	for _, s := range m.town.Sittings {
		if s.Day == day && !s.Cancelled() && (first.IsZero() || s.StartsAt.Before(first)) {
			first = s.StartsAt
		}
	}
	for _, s := range m.town.Sittings {
		if s.Day == day && !s.Cancelled() && s.StartsAt.Equal(first) {
			out = append(out, s)
		}
	}
	return out
}

func (m *morning) counts() (out map[courier.State]int) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		out, err = courier.Counts(ctx, tx)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

func (m *morning) held(sitting string) (h alert.HeldBack) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		h, err = alert.HeldNow(ctx, tx, m.school, m.town.Tuesday.Format(time.DateOnly), sitting)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return h
}

func (m *morning) ask(sitting, by string) {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) error {
		return m.alert.AskRelease(ctx, tx, m.school, sitting, by, m.now)
	})
}

func (m *morning) answer(sitting, by string, accounts []string, w alert.Word) (refusal error) {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) (err error) {
		refusal, err = m.alert.AnswerRelease(ctx, tx, m.school, sitting, by, accounts, w, m.now)
		return err
	})
	return refusal
}

func signs(trips []alert.Trip) (out []alert.Sign) {
	for _, t := range trips {
		out = append(out, t.Sign)
	}
	return out
}

// A morning whose rolls are inverted is held before its first message; the rolls saved
// again withdraw what was false; a second person, who has seen no figure, lets the really
// absent be told.
func TestInvertedMorning(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		really := func(i int, _ string) bool { return i%17 == 0 }
		wrong := m.rolls(func(i int, p string) bool { return !really(i, p) })
		h := m.held("")
		for _, want := range []alert.Sign{alert.SignPart, alert.SignRate, alert.SignRolls, alert.SignWhole} {
			if !slices.Contains(signs(h.Trips), want) {
				t.Errorf("%s did not strike: %v", want, signs(h.Trips))
			}
		}
		if len(h.Pupils) != wrong {
			t.Errorf("%d held, of %d noted absent", len(h.Pupils), wrong)
		}
		m.at("08:20") // beyond the hold
		if n := m.counts(); len(n) != 0 {
			t.Fatalf("letters were written: %v", n)
		}
		m.at("08:32")
		if calls := m.openCalls(); len(calls) < wrong {
			t.Errorf("only %d families to telephone after a quarter of an hour, of %d pupils", len(calls), wrong)
		}
		absent := m.rolls(really)
		if h = m.held(""); len(h.Pupils) != absent {
			t.Fatalf("%d held after the rolls were saved again, want %d", len(h.Pupils), absent)
		}
		m.at("08:45")
		if n := m.counts(); len(n) != 0 {
			t.Fatalf("released by itself: %v", n)
		}
		m.ask("", "cpe")
		roll := "teacher of " + m.firstHour()[0].ID
		if err := m.answer("", "cpe", []string{"cpe-account"}, alert.Word{Expected: absent}); !errors.Is(err, alert.ErrConcerned) {
			t.Errorf("who asked: %v", err)
		}
		if err := m.answer("", "head", []string{roll}, alert.Word{Expected: absent}); !errors.Is(err, alert.ErrConcerned) {
			t.Errorf("who saved a roll: %v", err)
		}
		if err := m.answer("", "head", nil, alert.Word{Expected: wrong}); !errors.Is(err, alert.ErrWrong) {
			t.Errorf("a number that does not fit: %v", err)
		}
		m.at("08:46")
		if n := m.counts(); len(n) != 0 {
			t.Fatalf("released by a wrong answer: %v", n)
		}
		if err := m.answer("", "head", nil, alert.Word{Expected: absent + 2}); err != nil {
			t.Fatal(err)
		}
		m.at("08:47")
		told := m.toldPupils()
		if len(told) != absent {
			t.Errorf("%d pupils' families told after the release, want %d", len(told), absent)
		}
		if h = m.held(""); len(h.Trips) != 0 {
			t.Errorf("still held: %v", signs(h.Trips))
		}
		m.rolls(func(i int, p string) bool { return really(i, p) || i == 3 })
		if h = m.held(""); len(h.Trips) != 0 {
			t.Errorf("it tripped again for what was said to be true: %v", signs(h.Trips))
		}
	})
}

// What was shown is what is released: one pupil more, and it is asked again.
func TestReleaseOfWhatWasShown(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		n := m.rolls(func(i int, _ string) bool { return i%2 == 0 })
		m.ask("", "cpe")
		m.rolls(func(i int, _ string) bool { return i%2 == 0 || i == 5 })
		if err := m.answer("", "head", nil, alert.Word{Expected: n}); !errors.Is(err, alert.ErrChanged) {
			t.Fatalf("%v", err)
		}
		if err := m.answer("", "head", nil, alert.Word{Expected: n}); !errors.Is(err, alert.ErrNothingHeld) {
			t.Fatalf("the request is still open: %v", err)
		}
		m.at("08:30")
		if n := m.counts(); len(n) != 0 {
			t.Fatalf("letters were written: %v", n)
		}
	})
}

// A whole roll is held alone; the rest of the school is told. Three drawn pupils are
// asked for, of whom one is here: no answer is always right.
func TestWholeRoll(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		first := m.firstHour()
		in := m.onRoll(first[0])
		m.rolls(func(i int, p string) bool { return in[p] || i%20 == 0 && !in[p] })
		h := m.held("")
		if len(h.Trips) != 1 || h.Trips[0].Sitting != first[0].ID || h.Trips[0].Sign != alert.SignWhole {
			t.Fatalf("%+v", h.Trips)
		}
		m.at("08:18")
		told := m.toldPupils()
		if len(told) == 0 {
			t.Fatal("nobody was told")
		}
		for p := range told {
			if in[p] {
				t.Errorf("%s of the held roll was told", p)
			}
		}
		m.ask(first[0].ID, "cpe")
		drawn := m.held(first[0].ID).Request.DrawnPupils()
		word := alert.Word{Absent: map[string]bool{}}
		all := alert.Word{Absent: map[string]bool{}}
		here := 0
		for _, p := range drawn {
			word.Absent[p], all.Absent[p] = in[p], true
			if !in[p] {
				here++
			}
		}
		if len(drawn) != 3 || here != 1 {
			t.Fatalf("drawn: %v, of whom %d are here", drawn, here)
		}
		if err := m.answer(first[0].ID, "head", nil, all); !errors.Is(err, alert.ErrWrong) {
			t.Errorf("all absent: %v", err)
		}
		if err := m.answer(first[0].ID, "head", nil, word); err != nil {
			t.Fatal(err)
		}
		m.at("08:19")
		if n := len(m.toldPupils()) - len(told); n != len(in) {
			t.Errorf("%d of the roll told after the release, want %d", n, len(in))
		}
	})
}

// onRoll are the pupils of a sitting.
func (m *morning) onRoll(s timetable.Sitting) map[string]bool {
	m.t.Helper()
	in := map[string]bool{}
	m.in(func(ctx context.Context, tx database.Tx) error {
		people, err := timetable.Pupils(ctx, tx, m.school, s)
		for _, p := range people {
			in[p.ID] = true
		}
		return err
	})
	return in
}

// toldPupils are those about whom a letter left.
func (m *morning) toldPupils() map[string]bool {
	m.t.Helper()
	out := map[string]bool{}
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		all, err := courier.Recent(ctx, tx, m.school, 5000)
		for _, l := range all {
			out[l.Pupil] = true
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

func (m *morning) openCalls() (calls []alert.Call) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		calls, err = alert.OpenCalls(ctx, tx, m.school)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return calls
}
