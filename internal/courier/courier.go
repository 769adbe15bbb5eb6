// Package courier is the only door out of the building. It keeps the letters, lets
// each leave at most as often as its channel allows, and knows of every one what
// became of it, or that nobody can know.
//
// Its promise: a letter begins to leave by a commit, never before it; a letter that
// provably was not written may be tried again; a letter whose fate is not known is
// unsure, shown to a person, and never sent again by SMS, at most once more by e-mail
// with the same Message-ID. A letter names a person's contact point: the address is
// read when it is claimed, and no call takes an address, a list or a filter.
//
// Words: waiting (in the queue; the table is the queue), leaving (claimed: this commit
// is where sending begins), left (the carrier said yes), delivered, unheard (no receipt
// in time), refused (the carrier said no), unsure (no answer), void (nothing left, and
// nothing will, because…). States move forward only; the database refuses the rest.
package courier

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// Kind of a letter.
type Kind string

// Kinds. Arrivals and corrections follow a letter that left: they go ahead of everything
// else, and neither a stop nor a hold keeps them.
const (
	Absence    Kind = "absence"
	Arrived    Kind = "arrived"
	Correction Kind = "correction"
	Notice     Kind = "notice" // one of the few prepared announcements to many
	Daily      Kind = "daily"  // the head's letter of the day
)

// kinds lists every kind, those that leave first first.
func kinds() []Kind { return []Kind{Correction, Arrived, Notice, Absence, Daily} }

// Stoppable tells whether a stop keeps letters of a kind in the building.
func (k Kind) Stoppable() bool { return k == Absence || k == Notice }

// State of a letter.
type State string

// States.
const (
	Waiting   State = "waiting"
	Leaving   State = "leaving"
	Left      State = "left"
	Delivered State = "delivered"
	Unheard   State = "unheard"
	Refused   State = "refused"
	Unsure    State = "unsure"
	Void      State = "void"
)

// MayHaveLeft tells whether a family may have got the letter: it left, or nobody can
// prove that it did not.
func (s State) MayHaveLeft() bool {
	return s == Left || s == Delivered || s == Unheard || s == Unsure
}

// Letter is one message to one contact point of one person, about one pupil unless it is a
// notice or a daily letter.
type Letter struct {
	bun.BaseModel `bun:"table:courier_letters,alias:l"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Code          string // the reference that a family reads
	Kind          Kind
	Ref           string // what it is about, known to who wrote it
	Pupil         string `bun:",nullzero"` // none of a notice and a daily letter
	Person        string
	Contact       string
	Channel       directory.Channel
	Lang          string
	Subject       string
	Body          string
	Digest        string
	MessageID     string
	Exercise      bool   // of a rehearsal: the pretended carrier takes it, and no other
	HeldBy        string // what keeps it waiting (see Hold); empty: nothing
	State         State
	Because       string // of refused, unsure, void; and of a letter waiting again
	Attempts      int
	CreatedAt     time.Time
	DueAt         time.Time
	ExpiresAt     time.Time
	LeavingAt     time.Time `bun:",nullzero"`
	SettledAt     time.Time `bun:",nullzero"`
}

// Attempt is one time that a carrier was spoken to about a letter.
type Attempt struct {
	bun.BaseModel `bun:"table:courier_attempts,alias:a"`
	School        string `bun:",pk"`
	Letter        string `bun:",pk"`
	N             int    `bun:",pk"`
	Instance      string
	Carrier       string
	StartedAt     time.Time
	EndedAt       time.Time `bun:",nullzero"`
	Outcome       Outcome
	Answer        string
	Provider      string // whose ids its receipts bear
	Address       string // keyed digest of the number, for receipts
	Reference     int    // ours, of 16 bits, for receipts
}

// Outcome of an attempt.
type Outcome string

// Outcomes (sending.md C5). Pending is an attempt without an outcome yet.
const (
	Pending      Outcome = ""
	Accepted     Outcome = "accepted"    // an explicit yes
	RefusedByAll Outcome = "refused"     // an explicit and final no
	Later        Outcome = "later"       // an explicit "not now"
	NotWritten   Outcome = "not_written" // provably nothing of it left
	NoAnswer     Outcome = "unsure"      // it may have been taken
)

// Result is what a carrier says of one attempt.
type Result struct {
	Outcome Outcome
	Answer  string   // the peer's words, one line; kept with the letter, never logged
	Parts   []string // the carrier's ids of the short messages that it took, in order
}

// Errand is what a carrier is given: a claimed letter and the address read with it.
type Errand struct {
	Letter    Letter
	Address   string
	Attempt   int
	account   *account
	reference uint16 // of 16 bits, for carriers that echo one
}

// Vouch is asked, in the claim's transaction, whether what letters of one school say is
// still true and their recipients still entitled: by id, empty to let one leave, else
// the reason why it is void. A letter that it says nothing of is unvouched. Registered
// per kind by who writes those letters.
type Vouch func(ctx context.Context, tx database.Tx, letters []Letter, now time.Time) (because map[string]string, err error)

// Reply takes what a family answered by SMS to a letter, inside the school's
// transaction. text is what they wrote, "" where it cannot be told what it is about.
type Reply func(ctx context.Context, tx database.Tx, l Letter, text string, now time.Time) error

// Stopped is told, inside the school's transaction, that nothing more goes to these
// contact points: their owner said STOP, or a mail server said that they do not exist.
// why is a reason of directory.StopAddress.
type Stopped func(ctx context.Context, tx database.Tx, school string, points []directory.ContactPoint, why string, now time.Time) error

// RepliesFor registers who takes families' answers to a kind of letters.
func (c *Courier) RepliesFor(k Kind, r Reply) { c.reply[k] = r }

// OnStopped registers who is told of contact points to which nothing more goes.
func (c *Courier) OnStopped(s Stopped) { c.stopped = s }
