// Package timetable knows when which pupils sit together, where, and who is in charge
// of them.
//
// Its promise: a sitting is one meeting of some groups on one day, with its own
// beginning, end and people in charge; it does not change under somebody who has
// already called its roll. Whoever takes a sitting over is recorded as having done so.
// Reading a calendar file twice changes nothing.
//
// Words: a sitting is a lesson, a study hour, a half-day of a primary school, a meal,
// a night, an outing or an exam. Its day is the local date of its beginning. A
// half-day is a morning or an afternoon of the school's zone. A closure is a run of
// days on which the school is closed.
package timetable

import (
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// Kind of a sitting.
type Kind string

// Kinds of sittings.
const (
	Lesson    Kind = "lesson"
	HalfDays  Kind = "half-day" // a morning or an afternoon in a primary school
	Study     Kind = "study"    // study hall, permanence
	Canteen   Kind = "canteen"
	Dormitory Kind = "dormitory"
	Outing    Kind = "outing"
	Exam      Kind = "exam"
)

// kinds lists the kinds in the order in which pages offer them.
func kinds() []Kind {
	return []Kind{Lesson, Study, HalfDays, Exam, Outing, Canteen, Dormitory}
}

// Source tells how a sitting came here.
type Source string

// Sources of sittings.
const (
	FromPage     Source = "page"      // typed in
	FromCall     Source = "call"      // "call a roll now"
	FromCalendar Source = "ical"      // a calendar file
	Fictional    Source = "fictional" // generated
)

// Sitting is one meeting of some groups.
type Sitting struct {
	bun.BaseModel `bun:"table:timetable_sittings,alias:t"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Kind          Kind
	Label         string // what people read: Mathématiques
	ShortLabel    string // for messages, at most ShortLabelMax GSM characters: maths
	Day           string // local date of the beginning, YYYY-MM-DD
	StartsAt      time.Time
	EndsAt        time.Time // not included
	Room          string
	Source        Source
	SourceKey     string    // of a calendar: the event and which of its repetitions
	CancelledAt   time.Time `bun:",nullzero"`

	Groups []string `bun:"-"` // ids in the directory, sorted
	Staff  []Charge `bun:"-"` // by person
}

// Charge says that a person is in charge of a sitting.
type Charge struct {
	Person string
	// TakenAt: the person was not foreseen, and took the sitting over then.
	TakenAt time.Time
}

// Cancelled tells whether the sitting does not take place.
func (s Sitting) Cancelled() bool { return !s.CancelledAt.IsZero() }

// In tells whether a person is in charge of the sitting.
func (s Sitting) In(person string) bool {
	for _, c := range s.Staff {
		if c.Person == person {
			return true
		}
	}
	return false
}

// Nearest is the moment within the sitting that is nearest to another: now while it runs,
// else the nearer end of it.
func (s Sitting) Nearest(at time.Time) time.Time {
	switch {
	case at.Before(s.StartsAt):
		return s.StartsAt
	case !at.Before(s.EndsAt):
		return s.EndsAt.Add(-time.Microsecond)
	}
	return at
}

// Closure is a run of days on which the school is closed.
type Closure struct {
	bun.BaseModel `bun:"table:timetable_closures,alias:c"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	FromOn        string // first day, YYYY-MM-DD
	UntilOn       string // last day
	Reason        string
}

// Refusals that callers tell apart.
var (
	// ErrNotFound: there is no such sitting or closure in this school.
	ErrNotFound = errors.New("timetable: not found")
	// ErrTimes: a sitting must end after it begins, within a day and a half.
	ErrTimes = errors.New("timetable: the sitting does not end after it begins, or is too long")
	// ErrDay: a day is not written YYYY-MM-DD, or a closure ends before it begins.
	ErrDay = errors.New("timetable: not a day, or not in order")
	// ErrLabel: a sitting has no label, or its short label is too long or not in GSM
	// characters.
	ErrLabel = errors.New("timetable: the label is missing or does not fit in a message")
	// ErrKind: no such kind of sitting.
	ErrKind = errors.New("timetable: no such kind of sitting")
	// ErrNobody: a sitting needs at least one group, otherwise nobody is expected.
	ErrNobody = errors.New("timetable: a sitting without a group expects nobody")
	// ErrCancelled: the sitting does not take place.
	ErrCancelled = errors.New("timetable: the sitting is cancelled")
)

// YearBegan is when the school year began that is not over yet wherever a school is: the first of
// August, a day late. What pupils wrote and did before it has had its time.
func YearBegan(now time.Time) time.Time {
	day := now.UTC().AddDate(0, 0, -1)
	year := day.Year()
	if day.Month() < time.August {
		year--
	}
	return time.Date(year, time.August, 1, 0, 0, 0, 0, time.UTC)
}
