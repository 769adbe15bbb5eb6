// Package alert decides whom to tell of an absence, holds for a while, looks again,
// and takes back what was wrong.
//
// Its promise: a family is told about its own child only, because of a mark that a
// person made today, once for a half-day; whatever speaks against telling is asked
// twice, when the mark is decided and when the letter is written, and a third time
// when it leaves. Nobody hands this package a recipient: the recipients of an episode
// are what the directory answers, and those of a correction are exactly those who were
// told or may have been. Whoever cannot be told is a telephone row.
//
// Words: an episode is one pupil absent in one half-day, from the first absent mark.
// It is held (nobody told yet), told (letters were written), untold (nobody could be
// told, telephone), withdrawn (while held) or over (arrived, or corrected).
package alert

import (
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/page"
)

// State of an episode.
type State string

// States.
const (
	Held      State = "held"
	Told      State = "told"
	Withdrawn State = "withdrawn"
	Untold    State = "untold"
	Over      State = "over"
)

// Because is a reason, in a word that pages and the journal translate.
type Because string

// Reasons not to tell, to withdraw, to be over, or to telephone.
const (
	Superseded   Because = "superseded"    // a later mark of the same roll decides
	NotToday     Because = "not-today"     // the sitting is not of today
	Closed       Because = "closed"        // the school is closed that day
	Exceptional  Because = "exceptional"   // a day on which the school tells nobody by itself
	Cancelled    Because = "cancelled"     // the sitting does not take place
	Expected     Because = "elsewhere"     // expected elsewhere
	InBuilding   Because = "inside"        // in the building
	AtHome       Because = "at-home"       // follows the day from home: is not missed in the room
	CameAtHome   Because = "came"          // came to the class at home, or to its door
	OurLine      Because = "our-line"      // undecided: waited in our line, or may have
	OurFault     Because = "our-fault"     // undecided: we were not there all the time, or threw the pupil out
	BreakingLine Because = "breaking"      // the pupil's own line kept breaking
	NoClass      Because = "no-class"      // nobody opened the class at home
	Following    Because = "following"     // an episode of this half-day is open already
	StillAbsent  Because = "still-absent"  // seen on one roll, absent on a later one
	NobodyTold   Because = "nobody-told"   // nothing to take back
	TooLate      Because = "too-late"      // its time is over
	NotInService Because = "not-service"   // the school does not send
	Arrived      Because = "arrived"       // came after the first mark
	Corrected    Because = "corrected"     // the mark was wrong
	NoContact    Because = "no-contact"    // nothing to write to
	NoConsent    Because = "no-consent"    // refused SMS, and has no e-mail
	PupilsOwn    Because = "pupils-number" // the only number is the pupil's own
	NoCarrier    Because = "no-carrier"    // this installation has no way out for it
	NobodyToTell Because = "nobody"        // nobody is entitled
	NotYet       Because = "not-yet"       // it waits for its carrier for too long
	Lapsed       Because = "lapsed"        // the letter's time ran out before it left
	Fenced       Because = "fenced"        // the installation was locked before it left
	RefusedBy    Because = "refused"       // the carrier refused it
	Unsure       Because = "unsure"        // it left, and nobody knows whether it arrived
	NotEntitled  Because = "not-entitled"  // no longer entitled when the letter was to leave
	Unheard      Because = "unheard"       // it left, and no receipt came in time
	Stopped      Because = "stopped"       // wants no more SMS
	Bounced      Because = "bounced"       // the mail address takes nothing more
	ByBreaker    Because = "breaker"       // the breaker has held it for too long
	Uncorrected  Because = "not-corrected" // told of an absence, and not of its end
	KeptBack     Because = "kept-back"     // nothing left while the pupil was known to be elsewhere, and is missed now
	Replied      Because = "replied"       // answered by SMS in words that a machine does not read
)

// Episode is one pupil absent in one half-day.
type Episode struct {
	bun.BaseModel `bun:"table:alert_episodes,alias:e"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Pupil         string
	HalfDay       string
	Seq           int
	Mark          int64 // the first mark that says absent
	Sitting       string
	FirstAt       time.Time // of the first mark
	LeavesAt      time.Time // FirstAt plus the school's hold, never restarted
	ExpiresAt     time.Time
	State         State
	Because       Because
	SettledAt     time.Time `bun:",nullzero"`
}

// day is the local date of the episode.
func (e Episode) day() string { return e.HalfDay[:len(time.DateOnly)] }

// Decision is what was decided about one mark.
type Decision struct {
	bun.BaseModel `bun:"table:alert_decisions,alias:d"`
	School        string `bun:",pk"`
	Mark          int64  `bun:",pk"`
	Decision      Verdict
	Because       Because
	Episode       string `bun:",nullzero"`
	At            time.Time
}

// Call is a family to telephone. It is closed by an outcome and by nothing else.
type Call struct {
	bun.BaseModel `bun:"table:alert_calls,alias:c"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Episode       string
	Pupil         string
	Adult         string // empty: nobody to name
	Because       Because
	OpenedAt      time.Time
	Outcome       Outcome
	ClosedAt      time.Time `bun:",nullzero"`
	ClosedBy      string
}

// Outcome of a telephone row.
type Outcome string

// Outcomes. NotNeeded is the program's, when the pupil arrived meanwhile.
const (
	Reached     Outcome = "reached"
	Machine     Outcome = "machine"
	NoAnswer    Outcome = "no_answer"
	WrongNumber Outcome = "wrong_number"
	NotNeeded   Outcome = "not_needed"
)

// Outcomes lists what a person may answer, in the order of the page.
func Outcomes() []Outcome { return []Outcome{Reached, Machine, NoAnswer, WrongNumber} }

// Service is a period in which the school sends to families: asked by one person, opened by
// another, and kept by a human act every two weeks of school days.
type Service struct {
	bun.BaseModel `bun:"table:alert_services,alias:v"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	AskedBy       string // person
	AskedRole     page.Role
	AskedAt       time.Time
	UntilOn       string // last day
	OpenedBy      string
	OpenedAt      time.Time `bun:",nullzero"`
	ClosedBy      string
	ClosedAt      time.Time `bun:",nullzero"`
	KeptUntil     string    // last day without another human act; empty: never opened
	KeptBy        string
	KeptAt        time.Time `bun:",nullzero"`
}

// runs tells whether it was opened and nobody ended it. It may have lapsed all the same.
func (s Service) runs() bool { return !s.OpenedAt.IsZero() && s.ClosedAt.IsZero() }

// letterRow is what vouches for a letter of the courier.
type letterRow struct {
	bun.BaseModel `bun:"table:alert_letters,alias:w"`
	School        string `bun:",pk"`
	Letter        string `bun:",pk"`
	Episode       string
	Pupil         string
	Person        string
	Channel       string
	Contact       string
	Kind          string
	Mark          int64
	Answers       string `bun:",nullzero"`
}

// FamilySays is what somebody of a family answers to a message about an absence.
type FamilySays string

// What a family can say.
const (
	Announced    FamilySays = "announced"      // I announce the absence
	ShouldBeHere FamilySays = "should_be_here" // the pupil should be in class
	Coming       FamilySays = "coming"         // the pupil is with me, on the way
	Unclear      FamilySays = "unclear"        // an SMS in words that a machine does not read, and does not keep
)

// Via is how an answer came.
type Via string

// Ways to answer: the link of a message, an SMS, the signed-in page.
const (
	ByLink Via = "link"
	BySMS  Via = "sms"
	ByPage Via = "page"
)

// Span is how long an announced absence lasts.
type Span string

// Spans.
const (
	HalfDay  Span = "half" // the half-day of the message
	WholeDay Span = "day"
)

// Answer is what one person said about one episode, in answer to a letter that was
// addressed to them. Answers are numbered within their episode; the last one of a person
// holds.
type Answer struct {
	bun.BaseModel `bun:"table:alert_answers,alias:f"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Episode       string
	N             int
	Letter        string
	Pupil         string
	Person        string
	Via           Via
	Answer        FamilySays
	Reason        string // of Announced: one of FamilyReasons
	Span          Span   // of Announced
	At            time.Time
}
