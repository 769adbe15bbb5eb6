// Package followup looks after pupils of whom there is no sign of life.
//
// Its promise: it is off until the head opens it and says what for and until when. It names a
// pupil to the head and the CPE, with the plain days behind the name; it ranks nobody, scores
// nobody, and sends nothing to anybody. What was our own doing never counts against a pupil: who
// waited in our line gave a sign, and a day on which our line was long or we were away is no day
// without one. What it keeps is removed with its end.
//
// Words: a sign is something that a pupil did on a day: came to a class or to its door, raised a
// hand, wrote, opened a page, was seen by a roll, waited in our line. A day counts for a pupil who
// was expected somewhere on it. A pupil is silent after so many days that count without a sign;
// falling where there is hardly one left of many.
package followup

import (
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// Kind of a sign.
type Kind string

// Kinds of signs.
const (
	Seen  Kind = "seen"  // by a roll
	Class Kind = "class" // entered a class at home
	Door  Kind = "door"  // asked to enter one
	Hand  Kind = "hand"
	Word  Kind = "word"
	Page  Kind = "page" // opened a page
	Line  Kind = "line" // waited in our line
)

// Kinds lists them in the order of pages.
func Kinds() []Kind { return []Kind{Seen, Class, Door, Hand, Word, Page, Line} }

// Period is a time for which the head opened it.
type Period struct {
	bun.BaseModel `bun:"table:followup_periods,alias:fp"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Purpose       string
	Days          int // school days without a sign
	FromOn        string
	UntilOn       string // last day
	OpenedBy      string // account
	OpenedAt      time.Time
	ClosedBy      string
	ClosedAt      time.Time `bun:",nullzero"`
}

// Note is what somebody did to find a pupil.
type Note struct {
	bun.BaseModel `bun:"table:followup_notes,alias:fn"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Pupil         string
	What          string // of Deeds
	By            string
	At            time.Time
}

// Deeds lists what may be noted, in the order of the page.
func Deeds() []string { return []string{"called", "reached", "visited", "lent", "well"} }

// Refusals of this package.
var (
	// ErrOff: the head has not opened it, or it is over.
	ErrOff = errors.New("followup: not opened")
	// ErrOpen: it is open already.
	ErrOpen = errors.New("followup: open already")
	// ErrPurpose: no purpose, no days, or an end that cannot be.
	ErrPurpose = errors.New("followup: say what for, after how many days, and until when within the school year")
	// ErrNotFound: no such pupil or deed.
	ErrNotFound = errors.New("followup: not found")
)
