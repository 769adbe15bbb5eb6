package alert

import (
	"time"

	"github.com/uptrace/bun"
)

// The breaker. A morning that is not like the school's mornings is held before its first
// message, and a second person says whether it is true. It holds, it never drops, it never
// lets go by itself; what it cannot read it holds. It holds a whole school or one roll,
// and what it holds for a quarter of an hour is telephoned.

// Sign is what strikes about a morning.
type Sign string

// Signs, in the order in which the page names them. The first two and the last three
// concern the whole school, the others one roll.
const (
	SignPart  Sign = "part"  // a part of the school is absent at once that never is
	SignRate  Sign = "rate"  // so many families in a quarter of an hour as there never are
	SignWhole Sign = "whole" // nearly everybody of one roll
	SignFast  Sign = "fast"  // everybody of one roll, saved in less than five seconds
	SignRolls Sign = "rolls" // several such rolls
	SignHand  Sign = "hand"  // several such rolls, saved by one person
	SignHere  Sign = "here"  // families answer that their child is here
)

// Signs lists them in the order of the page.
func Signs() []Sign {
	return []Sign{SignPart, SignRate, SignRolls, SignHand, SignHere, SignWhole, SignFast}
}

// Trip is one sign that was seen, and what it holds: a roll, or where Sitting is empty
// everything of the school on its day.
type Trip struct {
	bun.BaseModel `bun:"table:alert_trips,alias:t"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Day           string
	Sitting       string // empty: the whole school
	Sign          Sign
	Seen          int // what was counted
	Most          int // what is usual at most
	At            time.Time
	EndedAt       time.Time `bun:",nullzero"`
	EndedBy       string
}

// Request is what one person asks a second one: whether what is held is true. Shown is a
// digest of exactly what was held when it was asked: anything else is not let go by it.
type Request struct {
	bun.BaseModel `bun:"table:alert_requests,alias:q"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Day           string
	Sitting       string
	AskedBy       string // person
	AskedAt       time.Time
	Shown         string
	Drawn         string // pupils to be looked for, of a roll's; see drawn
	Tries         int
	Outcome       string
	EndedAt       time.Time `bun:",nullzero"`
	EndedBy       string
}

// Outcomes of a request.
const (
	RequestReleased = "released"
	RequestChanged  = "changed" // what is held is no longer what was shown
	RequestWrong    = "wrong"   // answered wrongly too often
)

// Measure is what is counted about a school at one moment of its day.
type Measure struct {
	Pupils int           // who belong to the school
	Absent int           // absent now, and nobody knows why
	Recent int           // of these, first noted in the last quarter of an hour
	Rolls  []RollMeasure // saved in the last hour
	Here   int           // pupils whose family says since the last release that they are here
	// Of Absent and Recent, those noted before a second person last said of the whole
	// school that what was held is true.
	Said, SaidRecent int
}

// RollMeasure is one roll as it is now.
type RollMeasure struct {
	Sitting  string
	Of       int      // pupils on it, but for those known to be elsewhere
	Absent   []string // of these
	Fresh    int      // of Absent, first noted since the roll was last released; 0: it never was
	By       string   // account that saved it last
	OpenedAt time.Time
	SavedAt  time.Time
}

// Usual is what the school's own mornings say: the days of the same weekday and the last
// days, without those that the breaker held and nobody released.
type Usual struct {
	Days int
	Rate int   // most families noted in a quarter of an hour
	Part int   // most absent in one half-day
	Same []int // absent in the fullest half-day of the last same weekdays, oldest first
}

// HeldBack is what the breaker holds now, as the office reads it.
type HeldBack struct {
	Trips    []Trip
	Pupils   []string // of held episodes, and of told ones whose letters are held
	Episodes []string
	Request  Request // the open one; zero: none
}
