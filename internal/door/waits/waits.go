// Package waits keeps the evidence of waiting in our own line.
//
// Its promise: a pupil who stood in our line is never taken for one who did not come. Who
// waited, from when until when, is kept where they signed in or entered; when a line was long
// is kept for each school, whoever stood in it. Whoever asks about a pupil and a time hears
// one of three things: they waited, nobody could have been kept by a line, or neither is
// known, and then a human being decides.
//
// It stands on the database alone, so that whoever decides about absences asks it and knows no
// door. All times are the installation's.
package waits

import "time"

// Long is from when on a line is long: less keeps nobody from a lesson.
const Long = 2 * time.Minute

// Bounds of what is kept.
const (
	// Claimable is how long after their entry somebody's sign-in makes the wait theirs: on a
	// computer of many people, whoever comes later did not stand in that line.
	Claimable = 15 * time.Minute
	// together joins long times with less than this between them: a line swings about two
	// minutes before it is over, and a program that is started again goes on with it.
	together = time.Minute
	// mostClaimed is the longest wait that a ticket can prove: its own life.
	mostClaimed = 6 * time.Hour

	keepWaits = 40 * 24 * time.Hour  // a month's list of absences, and ten days to contest it
	keepLong  = 400 * 24 * time.Hour // a school year
)

// Wait is what somebody who entered can show.
type Wait struct {
	Ticket           string // the number of their place; one account's
	Arrived, Entered time.Time
}

// Period is a time.
type Period struct{ From, Until time.Time }

// Answer is what is known of a pupil and a time.
type Answer int

// Answers.
const (
	NoLine    Answer = iota // no line was long: nothing of ours kept them
	Proven                  // they waited in our line: see Evidence.Waited
	Undecided               // a line was long, and nothing shows whether they stood in it
)

// Evidence is all that is kept of a pupil and a time.
type Evidence struct {
	Waited []Period // by this pupil
	Long   []Period // a line that they may have stood in, or the program was away
}

// Answer says what the periods mean.
func (e Evidence) Answer() Answer {
	switch {
	case len(e.Waited) > 0:
		return Proven
	case len(e.Long) > 0:
		return Undecided
	}
	return NoLine
}

// good tells whether a wait can be somebody's who signs in now.
func (w Wait) good(now time.Time) bool {
	return w.Ticket != "" && !w.Arrived.IsZero() && !w.Entered.Before(w.Arrived) && w.Entered.Sub(w.Arrived) <= mostClaimed &&
		now.Sub(w.Entered) <= Claimable && w.Entered.Sub(now) <= together
}

// join makes one of periods that touch, hardly a minute between them. They come in the order
// of their beginnings.
func join(all []Period) []Period {
	var out []Period
	for _, p := range all {
		if n := len(out); n > 0 && !p.From.After(out[n-1].Until.Add(together)) {
			if p.Until.After(out[n-1].Until) {
				out[n-1].Until = p.Until
			}
			continue
		}
		out = append(out, p)
	}
	return out
}
