// Package status says, to whoever asks, what works: families, staff, heads, and the
// machine that watches.
//
// Its promise: the page is honest, and it is there when nothing else is. It is made from
// measured figures and from what the operator wrote, a few times a minute, and kept in
// memory: a request for it asks no database and waits in no line. The same page is written
// to a folder, so that another host can show it while this one is down; each copy says
// when it was made. It tells nothing of any one school.
//
// Words: a part is something that people use (signing in, the roll, alerts, messages). A
// grade is how it goes: it works, it is slow, it is stopped. An incident is what the
// operator says, from a time until another; its news are its words, each kept.
package status

import (
	"embed"
	"time"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Part is something of the service that people use.
type Part string

// Parts, as the page lists them.
const (
	SignIn   Part = "signin"
	Roll     Part = "roll"
	Alerts   Part = "alerts"   // a saved absence becomes a message to the family
	Messages Part = "messages" // and the message leaves
)

// Parts lists them in the page's order.
func Parts() []Part { return []Part{SignIn, Roll, Alerts, Messages} }

// Grade is how a part goes, the worse the higher.
type Grade int

// Grades.
const (
	Works Grade = iota
	Slow
	Stopped
)

func (g Grade) String() string { return [...]string{"works", "slow", "stopped"}[g] }

func gradeOf(text string) (Grade, bool) {
	for g := Works; g <= Stopped; g++ {
		if g.String() == text {
			return g, true
		}
	}
	return Works, false
}

// Figures are what the page is made from: measured, of this moment. The zero Figures are
// of a program that was just started and knows nothing.
type Figures struct {
	Known bool // something was measured

	// The line.
	Waiting     int           // people
	From, Until time.Duration // what most of those who come now will wait
	Admitted    int64         // people, since the program was started
	Passwords   time.Duration // what a password waits for its check, lately

	// Work.
	Queue      time.Duration // what nine of ten requests waited for a worker at most, lately
	RollsLost  int           // rolls that were not taken, in the last minutes; should be none
	Database   bool          // it answers
	AlertsSeen time.Duration // since the alerts were last all looked at
	AlertLag   time.Duration // of the oldest absence that nobody has decided about, or that is due and not told
	LetterLag  time.Duration // of the oldest message that may leave and has not
	Locked     bool          // the fence keeps everything in the building
	Unreached  bool          // no carrier of a channel can be reached
	Pretended  bool          // nothing can leave: this installation has no carrier
}

// Point is one minute of the line.
type Point struct {
	At       time.Time `json:"at"`
	Waiting  int       `json:"waiting"`
	Admitted int       `json:"admitted"` // in the minute before
}

// Report is what the page says.
type Report struct {
	At        time.Time
	Starting  bool // nothing was measured yet
	Line      bool // people wait
	Low, High int  // minutes that they wait
	Waiting   int
	Parts     []PartReport
	Open      []Incident // now, the newest first
	Coming    []Incident
	Past      []Incident
	Points    []Point
	Worst     Grade
	Measured  string // the headline of what was measured alone
	Pretended bool
}

// PartReport is how one part goes, and why where it does not simply work.
type PartReport struct {
	Part  Part
	Grade Grade
	Why   string // key of a sentence; empty: there is nothing to say
}
