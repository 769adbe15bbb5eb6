package attendance

import (
	"errors"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/timetable"
)

// Entry is what the page says of one pupil: the value chosen, and what the page showed
// when it was opened.
type Entry struct {
	Pupil   string
	Value   Value
	Minutes int
	Base    int64 // the number of the mark that was shown, else BasePresent or BaseUnsaid
}

// What a page showed where there was no mark yet.
const (
	BasePresent int64 = 0  // a pupil who is expected
	BaseUnsaid  int64 = -1 // a pupil who is known to be elsewhere or inside
)

// merge is what saving a roll does to it.
type merge struct {
	Append []Entry // marks to append
	Kept   []Mark  // marks that another made meanwhile and that stay
	Said   []Entry // of Kept, one each: what this save says instead; Unsaid where nobody touched
	Over   []Mark  // marks that another made meanwhile and that this save replaces
}

func (m *merge) keep(k Mark, said Entry) {
	m.Kept, m.Said = append(m.Kept, k), append(m.Said, said)
}

// mergeRoll compares what a page says with what is marked now, pupil by pupil. shown
// gives the mark of each Base number.
//
// A pupil whom this person did not touch keeps the mark that another made meanwhile; a
// pupil whom both touched takes the later hand, and the page says so. A pupil never
// marked before gets a mark, present included: the register shows who was there. An
// Unsaid entry never makes a mark.
//
// A late save is no later hand: where both touched, the mark that is there stays.
func mergeRoll(entries []Entry, current map[string]Mark, shown map[int64]Mark, late bool) merge {
	var m merge
	for _, e := range entries {
		now, marked := current[e.Pupil]
		switch {
		case !marked:
			if e.Value != Unsaid {
				m.Append = append(m.Append, e)
			}
		case same(e, now):
			// said already
		case e.Value == Unsaid:
			if now.N != e.Base {
				m.keep(now, Entry{Pupil: e.Pupil})
			}
		case now.N == e.Base:
			m.Append = append(m.Append, e)
		case untouched(e, shown):
			m.keep(now, Entry{Pupil: e.Pupil})
		case late:
			m.keep(now, e)
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

// untouched tells whether an entry says what its page showed when it was opened. A
// number that is no mark of this pupil on this roll was never shown.
func untouched(e Entry, shown map[int64]Mark) bool {
	if e.Base == BaseUnsaid {
		return e.Value == Unsaid
	}
	base, ok := shown[e.Base]
	if !ok || base.Pupil != e.Pupil {
		return e.Value == Present
	}
	return same(e, base)
}

// Refusals to save a roll at this moment.
var (
	// ErrEarly: the sitting begins in more than a quarter of an hour.
	ErrEarly = errors.New("attendance: too early for this roll")
	// ErrOver: the day of the sitting is over; only the office corrects now.
	ErrOver = errors.New("attendance: the day of this roll is over")
	// ErrCancelled: the sitting does not take place.
	ErrCancelled = errors.New("attendance: the sitting is cancelled")
)

// earlyRoll is how long before its sitting a roll may be saved.
const earlyRoll = 15 * time.Minute

// maySave tells whether a roll may be saved now: from a quarter of an hour before the
// sitting until the end of its day, or of the sitting where that is later (a night in
// the dormitory). The office may correct later. ErrEarly, ErrOver, ErrCancelled.
func maySave(s timetable.Sitting, now time.Time, loc *time.Location, office bool) error {
	switch {
	case s.Cancelled():
		return ErrCancelled
	case now.Before(s.StartsAt.Add(-earlyRoll)):
		return ErrEarly
	case !office && timetable.Day(now, loc) != s.Day && !now.Before(s.EndsAt):
		return ErrOver
	}
	return nil
}

// maxLate is the most minutes of lateness that a mark takes.
const maxLate = 240

// minutesLate is how late a pupil is who enters a sitting now: what the page offers,
// and what is saved where nobody wrote a number. From 1 to maxLate.
func minutesLate(starts, now time.Time) int {
	return min(max(int(now.Sub(starts)/time.Minute), 1), maxLate)
}

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

// away tells where a pupil is known to be at a moment who is not expected in class:
// what was stated last wins, and what is stated of one pupil wins over a day at home; empty is
// nowhere but in class.
func away(statements []Statement, at time.Time, home bool) Says {
	elsewhere, out := At(statements, Elsewhere, at)
	inside, in := At(statements, Inside, at)
	switch {
	case in && (!out || inside.At.After(elsewhere.At)):
		return Inside
	case out:
		return Elsewhere
	case home:
		return AtHome
	}
	return ""
}

// Reasons lists the codes that a kind of statement takes, in the order in which pages
// offer them. They say nothing of anybody's health.
func Reasons(says Says) []string {
	switch says {
	case Inside:
		return []string{"office", "infirmary", "study", "library", "corridor"}
	case Elsewhere:
		return []string{Announced, "early", "exempt", "internship", "outing", "exam", "home", "suspended", "other"}
	}
	return nil
}

// Announced is the reason of an absence that the family announced.
const Announced = "announced"

// BySchool tells whether a reason is the school's own doing: the pupil misses nothing, and
// there is no absence to justify.
func BySchool(reason string) bool {
	return slices.Contains([]string{"exempt", "internship", "outing", "exam", "home", "suspended"}, reason)
}

// longestStatement is the longest time that one statement covers: a term.
const longestStatement = 120 * 24 * time.Hour

// Sums is what a roll says, counted.
type Sums struct {
	Present, Absent, Late int
	// Away: nothing was said of them, and they are known to be elsewhere or inside.
	Away int
}

// Add counts one pupil.
func (s *Sums) Add(v Value, n int) {
	switch v {
	case Present:
		s.Present += n
	case Absent:
		s.Absent += n
	case Late:
		s.Late += n
	default:
		s.Away += n
	}
}
