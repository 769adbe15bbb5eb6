package attendance

import (
	"slices"
	"time"
)

// Entry is what the page says of one pupil: the value chosen, and the number of the
// mark that the page showed when it was opened (0: none, shown as present).
type Entry struct {
	Pupil   string
	Value   Value
	Minutes int
	Base    int64
}

// Merge is what saving a roll does to it.
type Merge struct {
	Append []Entry // marks to append
	Kept   []Mark  // marks that another made meanwhile and that stay
	Over   []Mark  // marks that another made meanwhile and that this save replaces
}

// MergeRoll compares what a page says with what is marked now, pupil by pupil. shown
// gives the mark of each Base number.
//
// A pupil whom this person did not touch keeps the mark that another made meanwhile; a
// pupil whom both touched takes the later hand, and the page says so. A pupil never
// marked before gets a mark, present included: the register shows who was there.
func MergeRoll(entries []Entry, current map[string]Mark, shown map[int64]Mark) Merge {
	var m Merge
	for _, e := range entries {
		now, marked := current[e.Pupil]
		switch {
		case !marked:
			m.Append = append(m.Append, e)
		case same(e, now):
			// said already
		case now.N == e.Base:
			m.Append = append(m.Append, e)
		case untouched(e, shown):
			m.Kept = append(m.Kept, now)
		default:
			m.Append = append(m.Append, e)
			m.Over = append(m.Over, now)
		}
	}
	return m
}

func same(e Entry, m Mark) bool {
	return e.Value == m.Value && (e.Value != Late || e.Minutes == m.Minutes)
}

func untouched(e Entry, shown map[int64]Mark) bool {
	base, ok := shown[e.Base]
	if !ok {
		return e.Value == Present
	}
	return same(e, base)
}

// Roll times. A roll may be opened a little before the bell.
const earlyRoll = 15 * time.Minute

// MaySave tells whether a roll may be saved now: from a quarter of an hour before the
// sitting until the end of its day; the office may correct later.
func MaySave(starts time.Time, day string, now time.Time, loc *time.Location, office bool) bool {
	if now.Before(starts.Add(-earlyRoll)) {
		return false
	}
	return office || now.In(loc).Format(time.DateOnly) == day
}

// MaxLate is the most minutes of lateness that a mark takes.
const MaxLate = 240

// At gives the statement of a kind that covers a moment, the last made first.
func At(statements []Statement, says Says, at time.Time) (Statement, bool) {
	var best Statement
	ok := false
	for _, s := range statements {
		if s.Says == says && s.WithdrawnAt.IsZero() && !at.Before(s.FromAt) && at.Before(s.UntilAt) && (!ok || s.At.After(best.At)) {
			best, ok = s, true
		}
	}
	return best, ok
}

// Reasons lists the codes that a kind of statement takes.
func Reasons(says Says) []string {
	if says == Inside {
		return slices.Clone(reasonsInside)
	}
	return slices.Clone(reasonsElsewhere)
}
