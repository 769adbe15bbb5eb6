// Package register counts absences by half-day and keeps why: the reasons that the law lists,
// what guardians justify with a document, what the school accepts.
//
// Its promise: regularising is for the register and nothing else. It reads rolls and what is
// stated beside them, changes neither, and no message ever leaves because of it: this package
// knows neither alerts nor the courier. Why a pupil was absent is the office's and the
// guardians'; a form teacher reads of their own class how many half-days were missed, and which
// still want a word of the family.
//
// Words: a half-day is missed when the pupil is absent from a sitting that begins in it, unless
// the school sent the pupil elsewhere or had them in the building. A reason is a code of the
// country's closed list, legitimate or not. A justification is what a guardian says of a span of
// half-days; accepted, its reason holds for them. The file is the list of pupils with four
// half-days without a legitimate reason in one month, about whom the school writes to the
// academic authority: Préau lists them and writes to nobody.
package register

import (
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/timetable"
)

// Given is a reason that the school holds for one half-day of a pupil.
type Given struct {
	bun.BaseModel `bun:"table:register_reasons,alias:r"`
	School        string `bun:",pk"`
	Pupil         string `bun:",pk"`
	Half          string `bun:",pk"`
	N             int    `bun:",pk"`
	Reason        string
	Justification string // that was accepted; empty: the office's own
	By            string // account
	At            time.Time
}

// JustificationState is what became of a justification.
type JustificationState string

// States of a justification.
const (
	Sent     JustificationState = "sent"
	Accepted JustificationState = "accepted"
	Refused  JustificationState = "refused"
)

// Justification is what one guardian says of a child's half-days.
type Justification struct {
	bun.BaseModel `bun:"table:register_justifications,alias:j"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Pupil         string
	Person        string // the guardian
	FromHalf      string
	UntilHalf     string // the last one
	Reason        string
	Media         string // of the document: application/pdf, image/jpeg, image/png; empty: none
	Size          int64
	Digest        string
	State         JustificationState
	Refusal       string // of Refusals
	By            string
	At            time.Time
	SettledBy     string
	SettledAt     time.Time `bun:",nullzero"`
}

// Covers tells whether a justification speaks of a half-day.
func (j Justification) Covers(half string) bool { return j.FromHalf <= half && half <= j.UntilHalf }

// State of a missed half-day.
type State string

// States of a half-day.
const (
	Open      State = "open"      // no reason yet
	Waiting   State = "waiting"   // a justification is to be examined
	Excused   State = "excused"   // a legitimate reason
	Unexcused State = "unexcused" // a reason that is none
)

// HalfDay is one half-day that a pupil missed.
type HalfDay struct {
	Pupil    string
	Half     string              // 2026-11-24/am
	Sittings []timetable.Sitting // missed, by their beginning
	State    State
	Reason   string // empty: none
	Known    bool   // the family had announced it
}

// Day is the local date of the half-day.
func (h HalfDay) Day() string { return h.Half[:len("2006-01-02")] }

// Month is that of the half-day: 2026-11.
func (h HalfDay) Month() string { return h.Half[:len("2006-01")] }

// Refusals of this package.
var (
	// ErrReason: no such reason in the country's list, or none of the refusals.
	ErrReason = errors.New("register: no such reason")
	// ErrHalf: not a half-day, not in order, or too far away.
	ErrHalf = errors.New("register: not half-days in order, or too far away")
	// ErrDocument: the document is too large, or none of the types that are taken.
	ErrDocument = errors.New("register: the document is too large, or of another type")
	// ErrSettled: somebody has settled the justification.
	ErrSettled = errors.New("register: settled already")
	// ErrNotFound: no such pupil, justification or document.
	ErrNotFound = errors.New("register: not found")
	// ErrMany: too many justifications wait already.
	ErrMany = errors.New("register: too many justifications wait")
)
