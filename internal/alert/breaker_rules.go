package alert

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Limits of an ordinary school. An hour of a vocational lycée of 1,200 has 120 absent
// (DEPP), a collège 70: a seventh of the school is not ordinary anywhere. docs/operating.md
// says what they mean.
const (
	rateSpan   = 15 * time.Minute
	rollSpan   = time.Hour // in which rolls are looked at together
	rollsSpan  = 15 * time.Minute
	fewest     = 12               // families: less than that is never unusual
	floorPart  = 15               // per cent of the school that may be absent without any history
	mostPart   = 35               // per cent that no history makes usual
	wholeLeast = 5                // pupils of a roll of which everybody is absent
	mostLeast  = 8                // pupils of a roll of which most are absent
	mostOfRoll = 60               // per cent that is most
	fastRoll   = 5 * time.Second  // in which nobody calls a roll
	severally  = 3                // unusual rolls that are a matter of the whole school
	handful    = 2                // of one person, or answers of families
	callAfter  = 15 * time.Minute // then families are telephoned
	mostTries  = 3                // answers to one request
	mostWrong  = 2                // requests of a scope and day that ended by wrong answers: nobody guesses on
)

// limits gives the most that is usual: of families in a quarter of an hour, and of pupils
// absent at once.
func limits(pupils int, u Usual) (rate, part int) {
	ordinary := float64(pupils) * floorPart / 100
	// Chance alone gives a small school more: twice the deviation of what is drawn.
	floor, most := int(ordinary+2*math.Sqrt(ordinary)), max(fewest, pupils*mostPart/100)
	rate = min(max(fewest, floor, 2*u.Rate), most)
	part = min(max(fewest, floor, 2*u.Part), most)
	return rate, part
}

// unusual tells whether a roll is one that nobody calls on an ordinary day.
func (r RollMeasure) unusual() bool {
	n := len(r.Absent)
	return n >= wholeLeast && n == r.Of || n >= mostLeast && n*100 >= r.Of*mostOfRoll
}

func (r RollMeasure) fast() bool {
	return len(r.Absent) >= wholeLeast && len(r.Absent) == r.Of && !r.OpenedAt.IsZero() && r.SavedAt.Sub(r.OpenedAt) < fastRoll
}

// Strikes says what strikes about a school now. ended are the trips of the day that a
// second person released: what they said is true does not strike again, as long as it does
// not grow.
func Strikes(m Measure, u Usual, ended []Trip, now time.Time) []Trip {
	var out []Trip
	strike := func(s Sign, sitting string, seen, most int) {
		out = append(out, Trip{Sign: s, Sitting: sitting, Seen: seen, Most: most})
	}
	rate, part := limits(m.Pupils, u)
	rate, part = grown(SignRate, rate, m.SaidRecent, ended), grown(SignPart, part, m.Said, ended)
	if m.Absent > part {
		strike(SignPart, "", m.Absent, part)
	}
	if m.Recent > rate {
		strike(SignRate, "", m.Recent, rate)
	}
	var odd []RollMeasure // that nobody has spoken for
	for _, r := range m.Rolls {
		spokenFor := func(t Trip) bool {
			return t.Sitting == r.Sitting && r.Fresh < wholeLeast || t.Sitting == "" && !t.EndedAt.Before(r.SavedAt)
		}
		if !r.unusual() || slices.ContainsFunc(ended, spokenFor) {
			continue
		}
		odd = append(odd, r)
		if strike(SignWhole, r.Sitting, len(r.Absent), 0); r.fast() {
			strike(SignFast, r.Sitting, len(r.Absent), 0)
		}
	}
	if n := together(odd, now); n >= severally {
		strike(SignRolls, "", n, severally-1)
	}
	if n := oneHand(odd); n >= handful {
		strike(SignHand, "", n, handful-1)
	}
	if m.Here >= handful {
		strike(SignHere, "", m.Here, handful-1)
	}
	return out
}

// grown is a limit after somebody said that more than it is true: what they said, and
// half of the limit more. said is how many they spoke for: a morning is held when it
// passes its limit and has grown by the time that somebody looks at it.
func grown(s Sign, limit, said int, ended []Trip) int {
	out := limit
	for _, t := range ended {
		if t.Sitting == "" {
			out = max(out, said+limit/2)
			if t.Sign == s {
				out = max(out, t.Seen+limit/2)
			}
		}
	}
	return out
}

// together counts the unusual rolls of the last quarter of an hour.
func together(odd []RollMeasure, now time.Time) (n int) {
	for _, r := range odd {
		if now.Sub(r.SavedAt) <= rollsSpan {
			n++
		}
	}
	return n
}

// oneHand counts the unusual rolls of whoever saved most of them, of different pupils: a
// double lesson is one roll.
func oneHand(odd []RollMeasure) (most int) {
	by := map[string][]RollMeasure{}
	for _, r := range odd {
		same := slices.ContainsFunc(by[r.By], func(o RollMeasure) bool {
			shared := 0
			for _, p := range r.Absent {
				if slices.Contains(o.Absent, p) {
					shared++
				}
			}
			return shared*2 >= len(r.Absent)
		})
		if !same {
			by[r.By] = append(by[r.By], r)
			most = max(most, len(by[r.By]))
		}
	}
	return most
}

// Covers tells whether a trip holds an episode.
func (t Trip) Covers(e Episode) bool {
	return t.EndedAt.IsZero() && t.Day == e.day() && (t.Sitting == "" || t.Sitting == e.Sitting)
}

// Plausible tells whether a number of absent pupils that somebody expects, without having
// seen any figure, speaks for what is held.
func Plausible(expected, held int) bool {
	off := expected - held
	return max(off, -off) <= max(3, held/4)
}

// DrawnPupils are the pupils that the second person looks for.
func (q Request) DrawnPupils() []string { return strings.Fields(q.Drawn) }
