package attendance

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/timetable"
)

func TestMaySave(t *testing.T) {
	t.Parallel()
	zone := paris(t)
	at := func(day, hour, minute int) time.Time {
		return time.Date(2026, time.November, day, hour, minute, 0, 0, zone)
	}
	lesson := timetable.Sitting{Day: "2026-11-24", StartsAt: at(24, 8, 5), EndsAt: at(24, 9, 0)}
	night := timetable.Sitting{Day: "2026-11-24", StartsAt: at(24, 21, 0), EndsAt: at(25, 7, 0)}
	cancelled := lesson
	cancelled.CancelledAt = at(23, 12, 0)
	for _, c := range []struct {
		name    string
		sitting timetable.Sitting
		now     time.Time
		office  bool
		want    error
	}{
		{"sixteen minutes before", lesson, at(24, 7, 49), false, ErrEarly},
		{"sixteen minutes before, office", lesson, at(24, 7, 49), true, ErrEarly},
		{"a quarter of an hour before", lesson, at(24, 7, 50), false, nil},
		{"during", lesson, at(24, 8, 7), false, nil},
		{"the same evening", lesson, at(24, 23, 59), false, nil},
		{"the day after", lesson, at(25, 0, 0), false, ErrOver},
		{"the day after, office", lesson, at(25, 8, 0), true, nil},
		{"a night past midnight", night, at(25, 2, 0), false, nil},
		{"a night that is over", night, at(25, 7, 0), false, ErrOver},
		{"cancelled", cancelled, at(24, 8, 7), true, ErrCancelled},
		{"the day of the school, not of UTC", lesson, at(24, 23, 30).UTC(), false, nil},
	} {
		if got := maySave(c.sitting, c.now, zone, c.office); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestMinutesLate(t *testing.T) {
	t.Parallel()
	starts := time.Date(2026, time.November, 24, 8, 5, 0, 0, time.UTC)
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{-5 * time.Minute, 1}, {0, 1}, {8*time.Minute + 59*time.Second, 8}, {5 * time.Hour, maxLate}} {
		if got := minutesLate(starts, starts.Add(c.after)); got != c.want {
			t.Errorf("%v after: %d, want %d", c.after, got, c.want)
		}
	}
}

func TestAway(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.November, 24, 8, 7, 0, 0, time.UTC)
	said := func(says Says, ago, until time.Duration) Statement {
		return Statement{Says: says, At: now.Add(-ago), FromAt: now.Add(-ago), UntilAt: now.Add(until)}
	}
	withdrawn := said(Elsewhere, time.Minute, time.Hour)
	withdrawn.WithdrawnAt = now
	for _, c := range []struct {
		name       string
		statements []Statement
		want       Says
	}{
		{"nothing", nil, ""},
		{"elsewhere", []Statement{said(Elsewhere, time.Hour, time.Hour)}, Elsewhere},
		{"over at this moment", []Statement{said(Elsewhere, time.Hour, 0)}, ""},
		{"begins at this moment", []Statement{said(Inside, 0, time.Hour)}, Inside},
		{"not yet", []Statement{said(Inside, -time.Minute, time.Hour)}, ""},
		{"withdrawn", []Statement{withdrawn}, ""},
		{"the last word: inside", []Statement{said(Inside, time.Minute, time.Hour), said(Elsewhere, time.Hour, time.Hour)}, Inside},
		{"the last word: elsewhere", []Statement{said(Inside, time.Hour, time.Hour), said(Elsewhere, time.Minute, time.Hour)}, Elsewhere},
	} {
		if got := away(c.statements, now, false); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// draft is a page that one person has open: what it showed, and what was tapped.
type draft struct {
	base    map[string]int64
	shows   map[string]Entry
	touched map[string]bool
}

// TestTwoPeopleOnOneRoll lets two people open, tap and save one roll in any order, and
// compares with what they would expect: a tap is never lost in silence. The last hand
// that touched a pupil holds; whoever replaces what they had not seen is told; what
// they did not touch stays as the other made it, and they are told.
func TestTwoPeopleOnOneRoll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var log []Mark
		current := func() map[string]Mark {
			last := map[string]Mark{}
			for _, k := range log {
				last[k.Pupil] = k
			}
			return last
		}
		expected := map[string]Entry{} // the model: the last hand that touched
		pupils := rapid.IntRange(1, 4).Draw(t, "pupils")
		name := func(i int) string { return fmt.Sprint("p", i) }
		away := map[string]bool{} // known to be elsewhere when the roll began
		for i := range pupils {
			away[name(i)] = rapid.Bool().Draw(t, "away")
		}
		open := func() *draft {
			d := &draft{base: map[string]int64{}, shows: map[string]Entry{}, touched: map[string]bool{}}
			now := current()
			for i := range pupils {
				p := name(i)
				e := Entry{Pupil: p, Value: Present}
				if away[p] {
					e.Value, e.Base = Unsaid, BaseUnsaid
				}
				if k, ok := now[p]; ok {
					e = Entry{Pupil: p, Value: k.Value, Minutes: k.Minutes, Base: k.N}
				}
				d.shows[p], d.base[p] = e, e.Base
			}
			return d
		}
		drafts := []*draft{open(), open()}
		tap := rapid.Custom(func(t *rapid.T) Entry {
			e := Entry{Value: rapid.SampledFrom([]Value{Present, Absent, Late}).Draw(t, "value")}
			if e.Value == Late {
				e.Minutes = rapid.IntRange(1, 3).Draw(t, "minutes")
			}
			return e
		})
		t.Repeat(map[string]func(*rapid.T){
			"tap": func(t *rapid.T) {
				d := drafts[rapid.IntRange(0, 1).Draw(t, "who")]
				p := name(rapid.IntRange(0, pupils-1).Draw(t, "pupil"))
				e := tap.Draw(t, "tap")
				e.Pupil, e.Base = p, d.base[p]
				before := d.shows[p]
				if e.Value == before.Value && e.Minutes == before.Minutes {
					return
				}
				d.shows[p], d.touched[p] = e, true
			},
			"reload": func(t *rapid.T) { drafts[rapid.IntRange(0, 1).Draw(t, "who")] = open() },
			"save": func(t *rapid.T) {
				who := rapid.IntRange(0, 1).Draw(t, "who")
				d, now := drafts[who], current()
				shown := map[int64]Mark{}
				var entries []Entry
				original := map[string]Entry{}
				for i := range pupils {
					p := name(i)
					entries = append(entries, d.shows[p])
					for _, k := range log {
						if k.N == d.base[p] {
							shown[k.N] = k
							original[p] = Entry{Pupil: p, Value: k.Value, Minutes: k.Minutes, Base: k.N}
						}
					}
					if _, ok := original[p]; !ok {
						original[p] = Entry{Pupil: p, Value: Present}
						if away[p] {
							original[p] = Entry{Pupil: p}
						}
					}
				}
				m := mergeRoll(entries, now, shown, false)
				kept, over := map[string]Mark{}, map[string]Mark{}
				for _, k := range m.Kept {
					kept[k.Pupil] = k
				}
				for _, k := range m.Over {
					over[k.Pupil] = k
				}
				for _, e := range m.Append {
					log = append(log, Mark{N: int64(len(log)) + 1, Pupil: e.Pupil, Value: e.Value, Minutes: e.Minutes, By: fmt.Sprint(who)})
				}
				after := current()
				for i := range pupils {
					p := name(i)
					e, before := d.shows[p], original[p]
					mine := e.Value != before.Value || e.Minutes != before.Minutes
					was, marked := now[p]
					unseen := marked && was.N != d.base[p] // made since the page was opened
					says := Entry{Value: was.Value, Minutes: was.Minutes}
					_, isKept := kept[p]
					_, isOver := over[p]
					if mine && e.Value != Unsaid || !marked && e.Value != Unsaid {
						expected[p] = e
						differs := says.Value != e.Value || says.Minutes != e.Minutes
						if isOver != (unseen && differs) || isKept {
							t.Fatalf("%s: touched, unseen %v, differs %v; told over %v, kept %v", p, unseen, differs, isOver, isKept)
						}
					} else if differs := says.Value != e.Value || says.Minutes != e.Minutes; isKept != (unseen && differs) || isOver {
						t.Fatalf("%s: not touched, unseen %v, differs %v; told kept %v, over %v", p, unseen, differs, isKept, isOver)
					}
					want, any := expected[p]
					got, is := after[p]
					if any != is || got.Value != want.Value || got.Minutes != want.Minutes {
						t.Fatalf("%s: the roll says %v %q %d, want %v %q %d", p, is, got.Value, got.Minutes, any, want.Value, want.Minutes)
					}
				}
				drafts[who] = open()
			},
		})
	})
}

// TestABaseOfAnotherPupilIsNone: a forged number does not make a tap look untouched.
func TestABaseOfAnotherPupilIsNone(t *testing.T) {
	t.Parallel()
	zoe := Mark{N: 1, Pupil: "zoe", Value: Absent}
	lea := Mark{N: 2, Pupil: "lea", Value: Present}
	m := mergeRoll([]Entry{{Pupil: "lea", Value: Absent, Base: 1}}, map[string]Mark{"zoe": zoe, "lea": lea}, map[int64]Mark{1: zoe}, false)
	if len(m.Append) != 1 || len(m.Over) != 1 {
		t.Errorf("an absence went missing: %+v", m)
	}
}
