// Package attendance calls the roll: who was marked present, absent or late in which
// sitting, by whom and when; who is expected elsewhere, and who is in the building
// though not in the room.
//
// Its promise: a saved roll is a saved roll. Marks are appended and numbered, never
// changed; a correction is a further mark. Two people on the same roll lose nothing of
// each other's: what was touched is taken, pupil by pupil, and each is told what the
// other did. It knows nothing of alerts, and works when they are stopped: what may
// matter to them it keeps as undecided marks, in the same transaction.
//
// Words: a mark says present, absent or late of one pupil in one sitting; the last one
// holds. A roll is a sitting whose marks were saved. A statement says where a pupil is
// beside the roll: elsewhere (not expected: announced, internship, outing) or inside
// (in the building: infirmary, office). A late save was pressed without a network and
// came by itself later: its marks say when they were made, and it overwrites nobody's.
package attendance

import (
	"time"

	"github.com/uptrace/bun"
)

// Value of a mark.
type Value string

// Values.
const (
	Present Value = "present"
	Absent  Value = "absent"
	Late    Value = "late"
)

// Unsaid is no mark at all: what a page says of a pupil who is known to be elsewhere
// or inside, as long as nobody says more.
const Unsaid Value = ""

// Origin says which hand made a mark. Imports make none.
type Origin string

// Origins.
const (
	FromRoll   Origin = "roll"   // the person in charge of the sitting
	FromOffice Origin = "office" // the school office, on the same roll
)

// Mark is one numbered fact. N counts per school, without a gap.
type Mark struct {
	bun.BaseModel `bun:"table:attendance_marks,alias:k"`
	School        string `bun:",pk"`
	N             int64  `bun:",pk"`
	Sitting       string
	Day           string // local date of the sitting
	Pupil         string
	Value         Value
	Minutes       int // of lateness
	By            string
	At            time.Time // when it was made
	ReceivedAt    time.Time `bun:",nullzero"` // where it was made without a network: when it reached us
	Origin        Origin
	AtHome        bool // the pupil followed the day from home when it was made: see timetable.AtHome
}

// KnownAt is when a mark reached us: what was done before could not know of it.
func (k Mark) KnownAt() time.Time {
	if k.ReceivedAt.IsZero() {
		return k.At
	}
	return k.ReceivedAt
}

// Roll is a sitting whose roll was saved.
type Roll struct {
	bun.BaseModel `bun:"table:attendance_rolls,alias:r"`
	School        string `bun:",pk"`
	Sitting       string `bun:",pk"`
	Day           string // local date of the sitting
	FirstSavedAt  time.Time
	FirstSavedBy  string
	SavedAt       time.Time
	SavedBy       string
	OpenedAt      time.Time `bun:",nullzero"` // when the page of the last save was opened, as the page says
}

// Says is what a statement says of a pupil.
type Says string

// What a statement can say.
const (
	Elsewhere Says = "elsewhere" // not expected
	Inside    Says = "inside"    // in the building
	// AtHome is never stated: package timetable says it. A pupil at home is not missed in the
	// room; whether they came to the class at home is marked on the same roll.
	AtHome Says = "home"
)

// Statement says where a pupil is beside the roll, from one moment to another. Reason
// is a code, never words about a person's health.
type Statement struct {
	bun.BaseModel `bun:"table:attendance_statements,alias:st"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Pupil         string
	Says          Says
	Reason        string
	FromAt        time.Time
	UntilAt       time.Time
	By            string
	At            time.Time
	WithdrawnAt   time.Time `bun:",nullzero"`
	Plan          string    // the announced absence that it is one of; empty: none
	Claimant      string    // the person of the family whose claim it is; empty: the school says it
}
