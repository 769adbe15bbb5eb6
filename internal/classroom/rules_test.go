package classroom

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/timetable"
)

// Whatever happened before, nobody enters who is neither in charge, nor enrolled and not taken
// out, nor let in by the teacher; and nobody but who is in charge enters a class that is over.
func TestTheDoor(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.November, 24, 8, 5, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		maybe := func(name string) time.Time {
			if rapid.Bool().Draw(t, name) {
				return start
			}
			return time.Time{}
		}
		f := facts{Now: start.Add(time.Duration(rapid.IntRange(-40, 90).Draw(t, "minute")) * time.Minute), Person: "p",
			Sitting:  timetable.Sitting{StartsAt: start, EndsAt: start.Add(55 * time.Minute), CancelledAt: maybe("cancelled")},
			Enrolled: rapid.Bool().Draw(t, "enrolled"), Home: rapid.Bool().Draw(t, "home"),
			Class: Class{LockedAt: maybe("locked"), EndedAt: maybe("ended")},
			Entry: Entry{State: rapid.SampledFrom([]State{"", In, Asked, Refused, Removed}).Draw(t, "state"), Part: rapid.SampledFrom([]Part{Teacher, Pupil, Guest}).Draw(t, "part")}}
		if rapid.Bool().Draw(t, "in charge") {
			f.Sitting.Staff = []timetable.Charge{{Person: "p"}}
		}
		door, part := answer(f)
		if door != DoorOpen {
			return
		}
		if f.Sitting.Cancelled() || !f.Home || f.Now.Before(start.Add(-earlyClass)) || !f.Now.Before(start.Add(55*time.Minute+lateClass)) {
			t.Fatalf("open, and there is no class: %+v", f)
		}
		if part == Teacher {
			if !f.Sitting.In("p") {
				t.Fatal("a teacher who is not in charge")
			}
			return
		}
		enrolled := f.Enrolled && f.Entry.State != Removed && f.Entry.State != Refused && (f.Class.LockedAt.IsZero() || f.Entry.State == In)
		letIn := f.Entry.State == In && f.Entry.Part == Guest
		if !f.Class.EndedAt.IsZero() || !enrolled && !letIn {
			t.Fatalf("open: %+v", f)
		}
	})
}

func TestWhoReads(t *testing.T) {
	t.Parallel()
	at := time.Now()
	for _, c := range []struct {
		word Word
		as   string
		part Part
		want bool
	}{
		{Word{Person: "lea", ToAll: true}, "malo", Pupil, true},
		{Word{Person: "lea"}, "malo", Pupil, false},
		{Word{Person: "lea"}, "lea", Pupil, true},
		{Word{Person: "lea"}, "roy", Teacher, true},
		{Word{Person: "lea", ToAll: true, HiddenAt: at}, "malo", Pupil, false},
		{Word{Person: "lea", ToAll: true, HiddenAt: at}, "lea", Pupil, false},
		{Word{Person: "lea", ToAll: true, HiddenAt: at}, "roy", Teacher, true},
	} {
		if got := reads(c.word, c.as, c.part); got != c.want {
			t.Errorf("%+v as %s %s: %v", c.word, c.part, c.as, got)
		}
	}
}
