// Package whereabouts is where the school and the families say where a pupil is who is not
// in class: announced absences, what the school itself sends pupils to, and who is in the
// building though not in the room.
//
// Its promise: a pupil of whom somebody entitled says where they are is not missing, and what
// is held about them is withdrawn. Who said it stays on record. What a family says is a claim:
// it counts at once, the office sees whose it is and may refuse it with a reason. Teachers read
// that a pupil is expected elsewhere, never why.
//
// Words: a plan is one announced absence: some pupils, a reason, once or on days of the week.
// It becomes statements of package attendance, one for each pupil and each time (occurrence);
// nobody but this package reads plans. A place is where in the building a pupil is. A claim is
// a plan that one of the family made (its claimant).
package whereabouts

import (
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// Via is how the school learned of a plan.
type Via string

// Ways to learn of a plan.
const (
	ByPhone Via = "phone"
	ByPage  Via = "page" // the family, on its own page
	ByPaper Via = "paper"
	BySelf  Via = "office" // it is the school's own
)

// State of a plan. A claim counts from the moment it is made.
type State string

// States of a plan.
const (
	Noted     State = "noted"    // by the office
	Claimed   State = "claimed"  // by the family; nobody of the office has looked
	Accepted  State = "accepted" // a claim that the office has looked at
	Refused   State = "refused"  // a claim that does not hold
	Withdrawn State = "withdrawn"
)

// Plan is one announced absence.
type Plan struct {
	bun.BaseModel `bun:"table:whereabouts_plans,alias:p"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Reason        string // of attendance.Reasons(attendance.Elsewhere)
	Via           Via
	FromOn        string // first day, YYYY-MM-DD
	UntilOn       string // last day
	FromHour      string // local, HH:MM; empty: from the beginning of the day
	UntilHour     string // empty: until its end
	Weekdays      string // 1 to 7, Monday first: on these days alone; empty: without a break
	Grp           string // the class that was picked whole; empty: pupils one by one
	Pupils        int
	EndsAt        time.Time
	Claimant      string // a person of the family; empty: the school says it
	State         State
	Refusal       string // of Refusals
	By            string // account
	At            time.Time
	SettledBy     string
	SettledAt     time.Time `bun:",nullzero"`
}

// Holds tells whether the plan's statements hold.
func (p Plan) Holds() bool { return p.State != Refused && p.State != Withdrawn }

// Refusals of this package.
var (
	// ErrWhen: the days or hours are not some, not in order, or too far away.
	ErrWhen = errors.New("whereabouts: not days and hours in order, or too far away")
	// ErrReason: no such reason, way or place.
	ErrReason = errors.New("whereabouts: no such reason")
	// ErrNobody: no pupil was picked.
	ErrNobody = errors.New("whereabouts: no pupil was picked")
	// ErrMany: more statements than one plan may make.
	ErrMany = errors.New("whereabouts: too many pupils and times for one plan")
	// ErrNotFound: no such plan or pupil.
	ErrNotFound = errors.New("whereabouts: not found")
	// ErrSettled: somebody settled the claim already.
	ErrSettled = errors.New("whereabouts: settled already")
)
