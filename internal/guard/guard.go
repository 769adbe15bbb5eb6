// Package guard stands between a school's other program and its carrier: it takes short
// messages as a provider would, by SMPP and over HTTP, and lets leave what an ordinary day
// brings. What looks like the same message to everybody stays in the building until two
// persons let it go.
//
// Its promise: a message is committed before the program hears that we have it, leaves at
// most once, and is shown when it does not leave. It knows no reason for a message: it
// holds by the sameness of texts, by the numbers of a minute and by their share of the
// school's families. It holds, never drops and never lets go by itself; what waits too
// long expires and is shown. The stop, the fence, the cap of a number, the tripwires and
// the carriers are the courier's.
//
// Words: a message is waiting (it rests for a minute, so that those which follow it can
// be seen), held (by a trip), leaving, left, delivered, refused, unsure, or void, because…
// A trip is one sign that something is wrong, with all that it holds. It is asked to be
// let go by one person, and released by another who says how many people should read it;
// or discarded by one.
package guard

import (
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/courier"
)

// State of a message: the courier's words, and held.
type State = courier.State

// Held is a message that a trip keeps in the building.
const Held State = "held"

// Reasons why a message is void that the courier does not have.
const (
	BecauseDiscarded  = "discarded"  // one person of the office threw it away
	BecauseIncomplete = "incomplete" // parts of it never came
)

// Message is what the tool gave us to send to one number.
type Message struct {
	bun.BaseModel `bun:"table:guard_messages,alias:m"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Number        string // keyed digest of the address
	Address       string // E.164; empty after the purge
	Text          string // empty after the purge
	Same          string
	Words         string
	Via           string
	Wanted        bool   // the tool asks for a receipt
	Sender        string // as the tool wrote it, for its receipt
	State         State
	Because       string
	Trip          string `bun:",nullzero"`
	Attempts      int
	ReceivedAt    time.Time
	DueAt         time.Time
	ExpiresAt     time.Time
	LeavingAt     time.Time `bun:",nullzero"`
	SettledAt     time.Time `bun:",nullzero"`
	ToldAt        time.Time `bun:",nullzero"`
}

// Sign is why messages are held.
type Sign string

// Signs.
const (
	SignSame  Sign = "same"  // one text to many numbers
	SignRate  Sign = "rate"  // more numbers in a minute than is usual
	SignShare Sign = "share" // a large part of the families in two hours
)

// Trip is one sign and what it holds.
type Trip struct {
	bun.BaseModel `bun:"table:guard_trips,alias:t"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Sign          Sign
	Same          string // which text; empty: any
	Text          string // the first message that it held
	Seen          int    // numbers that the sign counted
	Most          int    // that it allows
	OpenedAt      time.Time
	AskedBy       string
	AskedAt       time.Time `bun:",nullzero"`
	Counted       int       // people shown to who asked
	Expected      int       // people that the second person typed
	DecidedBy     string
	DecidedAt     time.Time `bun:",nullzero"`
	Outcome       Outcome
}

// Outcome of a trip.
type Outcome string

// Outcomes. Open is none yet.
const (
	Open      Outcome = ""
	Released  Outcome = "released"
	Discarded Outcome = "discarded"
)

// Offer is a message as it is given to us, read and in the alphabet of this program.
type Offer struct {
	To     string // as the tool wrote it
	Sender string // as the tool wrote it; telephones show the carrier file's
	Text   string
	Via    string        // "smpp" or "http"
	Wanted bool          // a receipt
	Life   time.Duration // that the tool gives it; 0: ours
	Part   Part          // of a message in parts; zero: it is whole
}

// Part says which part of a longer message an offer is.
type Part struct{ Ref, Total, N int }

// part is one kept part of a longer message.
type part struct {
	bun.BaseModel `bun:"table:guard_parts,alias:p"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Number        string
	Address       string
	Text          string
	Ref           int
	Total         int
	N             int
	Wanted        bool
	Sender        string
	ReceivedAt    time.Time
	ExpiresAt     time.Time
	Message       string    `bun:",nullzero"`
	ToldAt        time.Time `bun:",nullzero"`
}

// Receipt is what the tool is told later of a message, or of a part of one.
type Receipt struct {
	ID         string // that the tool was given
	Address    string
	Sender     string
	State      State
	Because    string
	ReceivedAt time.Time
	SettledAt  time.Time
}
