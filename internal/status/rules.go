package status

import (
	"math"
	"slices"
	"time"
)

// What is slow, and what has stopped. A family reads "works" and acts upon it: when in
// doubt the page says slow.
const (
	slowLine     = time.Minute
	slowPassword = 5 * time.Second
	slowQueue    = time.Second
	slowAlert    = time.Minute
	stoppedAlert = 5 * time.Minute
	passAge      = 30 * time.Second // of the alerts' last look at everything
	slowLetter   = 2 * time.Minute
	stoppedAfter = 15 * time.Minute
	pastShown    = 7 * 24 * time.Hour
	soon         = 7 * 24 * time.Hour
)

// Judge makes the report of a moment: what was measured, made worse where an incident says
// that it is.
func Judge(f Figures, incidents []Incident, points []Point, now time.Time) Report {
	r := Report{At: now, Starting: !f.Known, Waiting: f.Waiting, Points: points, Pretended: f.Pretended}
	r.Line = f.Waiting > 0 && f.Until > slowLine
	r.Low, r.High = minutes(f.From, f.Until)
	for _, i := range incidents {
		switch i.When(now) {
		case Now:
			r.Open = append(r.Open, i)
		case Later:
			r.Coming = append(r.Coming, i)
		case Over:
			r.Past = append(r.Past, i)
		}
	}
	newest := func(a, b Incident) int { return b.From.Compare(a.From) }
	slices.SortFunc(r.Open, newest)
	slices.SortFunc(r.Past, newest)
	slices.SortFunc(r.Coming, func(a, b Incident) int { return a.From.Compare(b.From) })
	for _, p := range Parts() {
		one := PartReport{Part: p}
		if f.Known {
			one.Grade, one.Why = measure(p, f)
		}
		r.Parts = append(r.Parts, one)
		r.Worst = max(r.Worst, one.Grade)
	}
	r.Measured = r.Headline()
	for n := range r.Parts {
		one := &r.Parts[n]
		for _, i := range r.Open {
			if slices.Contains(i.Touches, one.Part) && i.Grade > one.Grade {
				one.Grade, one.Why = i.Grade, "status.why.incident"
			}
		}
		r.Worst = max(r.Worst, one.Grade)
	}
	return r
}

// minutes are a wait as people read it: whole minutes, never a single one that is sure.
func minutes(from, until time.Duration) (low, high int) {
	low = max(1, int(from/time.Minute))
	return low, max(low+1, int(math.Ceil(until.Minutes())))
}

const whyPretended = "status.why.pretended"

// measure judges one part by what was measured.
func measure(p Part, f Figures) (Grade, string) {
	if !f.Database {
		return Stopped, "status.why.unknown"
	}
	switch p {
	case SignIn:
		switch {
		case f.Waiting > 0 && f.Until > slowLine:
			return Slow, "status.why.line"
		case f.Passwords > slowPassword:
			return Slow, "status.why.passwords"
		}
	case Roll:
		switch {
		case f.RollsLost > 0:
			return Slow, "status.why.rolls"
		case f.Queue > slowQueue:
			return Slow, "status.why.busy"
		}
	case Alerts:
		switch {
		case f.AlertsSeen > stoppedAlert || f.AlertLag > stoppedAfter:
			return Stopped, "status.why.alerts"
		case f.AlertsSeen > passAge || f.AlertLag > slowAlert:
			return Slow, "status.why.alerts.slow"
		}
	case Messages:
		switch {
		case f.Pretended:
			return Works, whyPretended
		case f.Locked:
			return Stopped, "status.why.locked"
		case f.LetterLag > stoppedAfter:
			return Stopped, "status.why.letters"
		case f.LetterLag > slowLetter || f.Unreached:
			return Slow, "status.why.letters.slow"
		}
	}
	return Works, ""
}

// Headline is the state in one sentence: its key. An incident's own words come before it
// (see Report.Open).
func (r Report) Headline() string {
	grade := func(p Part) Grade {
		for _, one := range r.Parts {
			if one.Part == p {
				return one.Grade
			}
		}
		return Works
	}
	switch {
	case r.Starting:
		return "status.head.starting"
	case grade(SignIn) == Stopped || grade(Roll) == Stopped:
		return "status.head.unknown"
	case grade(Alerts) == Stopped || grade(Messages) == Stopped:
		return "status.head.messages.stopped"
	case r.Line && grade(Roll) == Works && grade(Alerts) == Works && grade(Messages) == Works:
		return "status.head.line"
	case r.Line:
		return "status.head.line.alone"
	case grade(Alerts) == Slow || grade(Messages) == Slow:
		return "status.head.messages"
	case r.Worst == Slow:
		return "status.head.slow"
	}
	return "status.head.well"
}

// When an incident is, seen from a moment.
type When int

// Times of an incident.
const (
	Over When = iota
	Now
	Later
	LongOver // not shown any more
)

// When tells where a moment stands to an incident.
func (i Incident) When(now time.Time) When {
	switch {
	case now.Before(i.From):
		return Later
	case i.Until.IsZero() || now.Before(i.Until):
		return Now
	case now.Sub(i.Until) < pastShown:
		return Over
	}
	return LongOver
}
