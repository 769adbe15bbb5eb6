package whereabouts

import (
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/timetable"
)

// How far a plan may reach.
const (
	longestOnce   = 119          // days: a statement covers a term
	longestWeekly = 370          // days: a school year
	backwards     = 60           // days: entered after the fact
	mostTimes     = 6000         // statements of one plan
	hourForm      = "15:04"      // of an hour of the day
	dayForm       = "2006-01-02" // of a day
	claimsAhead   = 120          // days: what a family may announce
	claimsBack    = 7            // days: later, it is a justification
)

// Span is a run of time, its end not included.
type Span struct{ From, Until time.Time }

// Refusals lists why the office refuses a family's claim.
func Refusals() []string { return []string{"seen", "contradicted", "dates", "call"} }

// Check refuses a plan that cannot be: its days, hours, reason and way. now is when it is made.
func (p Plan) Check(now time.Time, zone *time.Location) error {
	if !slices.Contains(attendance.Reasons(attendance.Elsewhere), p.Reason) || !slices.Contains([]Via{ByPhone, ByPage, ByPaper, BySelf}, p.Via) {
		return ErrReason
	}
	from, err := time.Parse(dayForm, p.FromOn)
	if err != nil {
		return ErrWhen
	}
	until, err := time.Parse(dayForm, p.UntilOn)
	if err != nil {
		return ErrWhen
	}
	today, err := time.Parse(dayForm, timetable.Day(now, zone))
	if err != nil {
		return ErrWhen
	}
	days := func(a, b time.Time) int { return int(b.Sub(a) / (24 * time.Hour)) }
	most, back := longestOnce, backwards
	if p.Weekdays != "" {
		most = longestWeekly
	}
	if p.Claimant != "" {
		back = claimsBack
		if days(today, until) > claimsAhead {
			return ErrWhen
		}
	}
	if d := days(from, until); d < 0 || d > most || days(from, today) > back || days(today, from) > longestWeekly {
		return ErrWhen
	}
	for _, hour := range []string{p.FromHour, p.UntilHour} {
		if t, err := time.Parse(hourForm, hour); hour != "" && (err != nil || t.Format(hourForm) != hour) {
			return ErrWhen
		}
	}
	oneDay := p.FromOn == p.UntilOn || p.Weekdays != ""
	if oneDay && p.FromHour != "" && p.UntilHour != "" && p.UntilHour <= p.FromHour {
		return ErrWhen
	}
	if strings.Trim(p.Weekdays, "1234567") != "" {
		return ErrWhen
	}
	return nil
}

// Occurrences lists the times of a plan in order, in the school's zone: one where it has no
// weekdays, else one for each such day. Hours are those of the clock on the wall on that very
// day: 14:00 stays 14:00 when the clocks change. A time that such a change swallows is left out.
func (p Plan) Occurrences(zone *time.Location) []Span {
	from, err := time.Parse(dayForm, p.FromOn)
	if err != nil {
		return nil
	}
	until, err := time.Parse(dayForm, p.UntilOn)
	if err != nil {
		return nil
	}
	var out []Span
	add := func(first, last time.Time) {
		s := Span{onWall(first, p.FromHour, zone), onWall(last, p.UntilHour, zone)}
		if p.UntilHour == "" {
			s.Until = onWall(last.AddDate(0, 0, 1), "", zone)
		}
		if s.Until.After(s.From) {
			out = append(out, s)
		}
	}
	if p.Weekdays == "" {
		add(from, until)
		return out
	}
	for d := from; !d.After(until); d = d.AddDate(0, 0, 1) {
		if strings.ContainsRune(p.Weekdays, weekday(d)) {
			add(d, d)
		}
	}
	return out
}

// weekday is 1 for Monday to 7 for Sunday.
func weekday(d time.Time) rune { return rune('1' + (int(d.Weekday())+6)%7) }

// onWall is an hour of a day; empty: the first moment of the day.
func onWall(day time.Time, hour string, zone *time.Location) time.Time {
	if hour == "" {
		from, _, err := timetable.HalfDaySpan(day.Format(dayForm)+"/am", zone)
		if err != nil {
			return time.Time{}
		}
		return from
	}
	t, err := time.Parse(hourForm, hour)
	if err != nil {
		return time.Time{}
	}
	return time.Date(day.Year(), day.Month(), day.Day(), t.Hour(), t.Minute(), 0, 0, zone)
}

// Place is where in the building a pupil is entered.
type Place string

// Late is no place: the pupil arrives, gets a slip and goes to class.
const Late Place = "late"

// Places lists them in the order of the page.
func Places() []Place {
	return []Place{Late, "infirmary", "office", "study", "library"}
}

// until is how long a pupil is at a place who came now and whom nobody lets go: at the
// infirmary until the end of the half-day, elsewhere until the end of the sitting that is on
// (ends; zero: an hour), which another roll follows.
func until(at Place, ends, now time.Time, zone *time.Location) time.Time {
	_, half, err := timetable.HalfDaySpan(timetable.HalfDay(now, zone), zone)
	switch {
	case err != nil:
		return now.Add(time.Hour)
	case at == "infirmary":
		return half
	case ends.After(now):
		return ends
	}
	return now.Add(time.Hour)
}
