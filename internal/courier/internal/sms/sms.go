// Package sms has the words that every way of carrying short messages shares: the
// message, what became of an attempt, a receipt, a family's answer; and how a text
// becomes parts.
//
// Its promise: a text that fits one part is sent as one part; a part never cuts a
// character in two; what the alphabet of telephones does not have is either written in
// the other one, or downgraded where it is typography only. A name is never mangled.
package sms

import "time"

// Message is one short message to one telephone.
type Message struct {
	Letter string // our id, echoed where the carrier can echo it
	To     string // E.164
	Text   string
	// Reference is our number for it where a carrier has only 16 bits for one
	// (SMPP user_message_reference): many messages share one, see [Receipt].
	Reference uint16
}

// Before is the caller's last look, just before anything is written. It says how long
// the message may still be delivered; its error means that nothing is written. It is
// called at most once a part and has no effect of its own.
type Before func() (left time.Duration, err error)

// Outcome is what is known of a message after an attempt.
type Outcome int

const (
	// Unsure: it may have been taken and no answer came. It is the zero value, so that
	// a forgotten outcome is never an invitation to send again.
	Unsure Outcome = iota
	// NotWritten: provably not a byte of it left this machine, or the last look said no.
	NotWritten
	// Accepted: the carrier said an explicit yes to every part.
	Accepted
	// Refused: an explicit and final no, to every part.
	Refused
	// Later: an explicit "not now" (throttled, queue full): it was not taken and may be
	// tried again.
	Later
)

// String returns the outcome's name.
func (o Outcome) String() string {
	switch o {
	case NotWritten:
		return "not written"
	case Accepted:
		return "accepted"
	case Refused:
		return "refused"
	case Later:
		return "later"
	}
	return "unsure"
}

// Result is what became of one attempt.
type Result struct {
	Outcome Outcome
	// Parts are the carrier's ids, in the order of the parts; "" for one that was
	// taken without an id. Only parts that were accepted are listed.
	Parts []string
	// Answer is the carrier's words: one printable line of at most 200 characters. They
	// may hold the number: kept with the letter, never logged.
	Answer string
	// Err is nil only when Accepted. Its text holds neither numbers nor the carrier's
	// words, so it may be logged.
	Err error
}

// Fate is what a receipt says of a part.
type Fate int

const (
	// Underway: accepted, en route, buffered; nothing is settled.
	Underway Fate = iota
	// Delivered: it is on the telephone.
	Delivered
	// Failed: it will not be (undeliverable, rejected, expired, deleted).
	Failed
	// Unknown: the carrier says that it does not know.
	Unknown
)

// Receipt is what a carrier says later of a part.
type Receipt struct {
	ID   string // the carrier's id of the part, as written in the receipt; "" when it has none
	To   string // E.164 of the telephone it is about, "" when the receipt does not say
	Fate Fate
	Code string // the carrier's own word and error code: "UNDELIV 001"; at most 60 characters
	// Reference is Message.Reference where the carrier echoes it, else 0.
	Reference uint16
	// Letter is Message.Letter where the carrier echoes it, else "".
	Letter string
}

// Incoming is a message that a telephone sent to us.
type Incoming struct {
	ID   string // the carrier's id of it, "" when it has none
	From string // E.164
	Text string
}

// Inbox takes what a carrier brings. A carrier acknowledges to the peer only what these
// returned nil for; whatever comes twice is given twice.
type Inbox struct {
	Receipt  func(Receipt) error
	Incoming func(Incoming) error
}
