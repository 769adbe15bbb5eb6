package alert

import (
	"cmp"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/timetable"
)

// Standing is where the absence of one pupil stands now. Each absent pupil has exactly one:
// so the counts of the day add up to the number of absent pupils.
type Standing string

// Standings of whoever is absent.
const (
	AtCall      Standing = "call"      // somebody is to be telephoned
	AtHeld      Standing = "held"      // the family is told at its time
	AtBreaker   Standing = "breaker"   // the breaker holds it
	AtUnproven  Standing = "unproven"  // missed in a class at home, and something of ours may have kept them
	AtUndecided Standing = "undecided" // noted, and not decided yet; or nobody need be told
	AtTold      Standing = "told"      // messages were written
	AtCalled    Standing = "called"    // telephoned: every row has an outcome
	AtElsewhere Standing = "expected"  // expected elsewhere
	AtInside    Standing = "inside"    // in the building
)

// Standings of whoever is on the board and not absent now.
const (
	AtOwed Standing = "owed" // somebody is still to be telephoned, of today or of another day
	AtBack Standing = "back" // was missed between two presences
)

// Standings lists them in the order of the board.
func Standings() []Standing {
	return []Standing{AtCall, AtHeld, AtBreaker, AtUnproven, AtUndecided, AtTold, AtCalled, AtElsewhere, AtInside, AtOwed, AtBack}
}

// Absent tells whether who stands so is absent now.
func (s Standing) Absent() bool { return s != AtOwed && s != AtBack }

// standingOf says where the absence of a pupil stands. absent says that the pupil is counted
// absent, calls how many telephone rows are open, says what is known of the pupil, and unproven
// that a class at home missed them and nobody can tell why.
func standingOf(absent bool, episodes []Episode, tripped func(Episode) bool, calls int, says attendance.Says, unproven bool) Standing {
	in := func(s State) *Episode {
		if i := slices.IndexFunc(episodes, func(e Episode) bool { return e.State == s }); i >= 0 {
			return &episodes[i]
		}
		return nil
	}
	held := in(Held)
	switch {
	case !absent && calls > 0:
		return AtOwed
	case !absent:
		return AtBack
	case calls > 0:
		return AtCall
	case held != nil && tripped(*held):
		return AtBreaker
	case held != nil:
		return AtHeld
	case in(Told) != nil:
		return AtTold
	case in(Untold) != nil:
		return AtCalled
	case says == attendance.Elsewhere:
		return AtElsewhere
	case says == attendance.Inside:
		return AtInside
	case unproven:
		return AtUnproven
	}
	return AtUndecided
}

// OddKind is what is unusual about one pupil's day.
type OddKind string

// What a CPE looks at first.
const (
	SeenThenAbsent OddKind = "seen"    // present on one roll, absent on the next ones
	BetweenTwo     OddKind = "between" // absent between two presences
	ToldBefore     OddKind = "before"  // the family was told on the last day too
)

// Odd is one thing that is unusual about a pupil's day, with what it takes to say it.
type Odd struct {
	Kind   OddKind
	Seen   time.Time // of SeenThenAbsent and BetweenTwo: when the sitting began in which they were seen
	Missed time.Time // the one in which they were missed
	Again  time.Time // of BetweenTwo: the one in which they were seen again
	On     string    // of ToldBefore: the day
}

// oddities reads what the rolls of a day say of one pupil. The last mark of each roll holds;
// rolls follow one another as their sittings do, however late they were called. Of two at one
// hour, the one that saw the pupil is right.
func oddities(marks []attendance.Mark, sittings map[string]timetable.Sitting) (out []Odd) {
	last := map[string]attendance.Mark{}
	for _, k := range marks {
		last[k.Sitting] = k
	}
	seen := map[time.Time]bool{}
	var hours []time.Time
	for id, k := range last {
		s, ok := sittings[id]
		if !ok || s.Cancelled() {
			continue
		}
		at := s.StartsAt.UTC()
		if _, there := seen[at]; !there {
			hours = append(hours, at)
		}
		seen[at] = seen[at] || k.Value != attendance.Absent
	}
	slices.SortFunc(hours, time.Time.Compare)
	for i, at := range hours {
		if seen[at] || i == 0 || !seen[hours[i-1]] {
			continue
		}
		odd := Odd{Kind: SeenThenAbsent, Seen: hours[i-1], Missed: at}
		if again := slices.IndexFunc(hours[i:], func(t time.Time) bool { return seen[t] }); again > 0 {
			odd.Kind, odd.Again = BetweenTwo, hours[i+again]
		}
		out = append(out, odd)
	}
	return out
}

// wholeLeastSeen is from how many pupils a roll on which nobody was seen strikes whoever
// looks: the two pupils of an option are away together any day.
const wholeLeastSeen = 5

// wholeRolls finds the rolls of a day on which many are absent and nobody was seen.
func wholeRolls(sums map[string]attendance.Sums, sittings map[string]timetable.Sitting) (out []WholeRoll) {
	for id, n := range sums {
		if n.Absent >= wholeLeastSeen && n.Present == 0 && n.Late == 0 {
			out = append(out, WholeRoll{Sitting: sittings[id], Absent: n.Absent})
		}
	}
	slices.SortFunc(out, func(a, b WholeRoll) int {
		return cmp.Or(a.Sitting.StartsAt.Compare(b.Sitting.StartsAt), cmp.Compare(a.Sitting.ID, b.Sitting.ID))
	})
	return out
}
