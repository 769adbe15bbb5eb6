// Package notices writes the few prepared announcements that a school makes to many
// families at once: it is closed, the buses do not run, a strike, pupils sheltering
// inside, an exercise, and the denial of a message that was not ours.
//
// Its promise: the words are prepared, and nobody writes any; two people decide, and
// the number of people is on the button of both; what was counted is what leaves, to
// the whole school or one level and never to a list; and none of it can be taken for a
// message about a pupil: no notice names one, and only the denial speaks of absence.
//
// Words: a request is asked for by the head or the CPE, and confirmed by another person
// within half an hour; then its letters are written a hundred at a time, and it is
// written. One person alone withdraws what has not left. A request is void because…
package notices

import (
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/page"
)

// Text is one of the prepared announcements.
type Text string

// Texts.
const (
	Closed      Text = "closed"
	Transport   Text = "transport"
	Strike      Text = "strike"
	Confinement Text = "confinement"
	Denial      Text = "denial"
	Exercise    Text = "exercise"
)

// Texts lists them in the order of the page.
func Texts() []Text { return []Text{Closed, Transport, Strike, Exercise, Confinement, Denial} }

// Urgent tells whether a text leaves at any hour, in service or not, under a cap of its
// own: families wait for it, or are afraid because of what somebody else wrote.
func (t Text) Urgent() bool { return t == Confinement || t == Denial }

// Choices are the wordings of a text, of which one is chosen.
func (t Text) Choices() []string {
	switch t {
	case Closed:
		return []string{"plain", "home", "buses", "buses-home"}
	case Transport:
		return []string{"open", "home"}
	case Strike:
		return []string{"some", "canteen", "some-canteen", "none"}
	case Exercise:
		return []string{"shelter", "evacuation", "messages"}
	case Confinement:
		return []string{"begins", "goes-on", "over"}
	case Denial:
		return []string{"plain", "roll-made"}
	}
	return nil
}

// HasDay tells whether a text names a day.
func (t Text) HasDay() bool { return !t.Urgent() }

// HasHour tells whether a wording names an hour.
func (t Text) HasHour(choice string) bool {
	switch t {
	case Closed, Transport:
		return choice == "home" || choice == "buses-home"
	case Confinement:
		return choice == "begins" || choice == "goes-on"
	}
	return false
}

// Wish is what somebody wants to announce: closed sets, a day, an hour.
type Wish struct {
	Text   Text
	Choice string
	Day    string // YYYY-MM-DD, of a text that names one
	Hour   string // HH:MM, of a wording that names one
	Level  string // whose classes, or WholeSchool; empty is neither
}

// WholeSchool in place of a level, which never has a space in it.
const WholeSchool = "whole school"

// State of a request.
type State string

// States.
const (
	Asked     State = "asked"
	Confirmed State = "confirmed" // its letters are being written
	Written   State = "written"   // its letters are the courier's
	Withdrawn State = "withdrawn"
	Void      State = "void"
)

// Because is why a request is void.
type Because string

// Reasons. Some are also those of letters.
const (
	Lapsed      Because = "lapsed"   // nobody confirmed it in time
	Changed     Because = "changed"  // whom it would go to changed since it was counted
	Dropped     Because = "dropped"  // taken back before it was confirmed
	Replaced    Because = "replaced" // another request of the same text was made
	Expired     Because = "expired"
	Fenced      Because = "fenced"
	WithdrawnBy Because = "withdrawn"
	NotEntitled Because = "not-entitled"
	NotService  Because = "not-service" // of letters: the school is out of service by now
	Unsealed    Because = "unsealed"    // its rows were made or changed by other hands
)

// Request is one announcement asked for.
type Request struct {
	bun.BaseModel `bun:"table:notices_requests,alias:r"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Wish
	AskedBy     string // person
	AskedRole   page.Role
	AskedAt     time.Time
	People      int
	Addresses   int
	Digest      string
	State       State
	Because     Because
	ConfirmedBy string    // another person, or an operator's account
	ConfirmedAt time.Time `bun:",nullzero"`
	ConfirmedOn string    // the school's day
	ExpiresAt   time.Time `bun:",nullzero"`
	Seal        string    // see seal
	SettledBy   string
	SettledAt   time.Time `bun:",nullzero"`
}

// recipient is one address of a request, and its letter.
type recipient struct {
	bun.BaseModel `bun:"table:notices_letters,alias:n"`
	School        string `bun:",pk"`
	Request       string `bun:",pk"`
	N             int    `bun:",pk"`
	Person        string
	Channel       string
	Contact       string
	Address       string
	Letter        string `bun:",nullzero"`
}
