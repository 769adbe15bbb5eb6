package timetable

import (
	"slices"
	"strings"
	"time"
)

// dayForm is how days are written everywhere.
const dayForm = "2006-01-02"

// noon is the local hour at which the afternoon begins. Not twelve: French mornings
// end between 12:00 and 12:30 and afternoons begin between 13:00 and 14:00, so that
// at thirteen no lesson that begins before the meal is counted with those after it.
const noon = 13

// longest is the longest sitting: a night in the dormitory with the days around it.
const longest = 36 * time.Hour

// Day is the local date of a moment: "2026-11-24".
func Day(t time.Time, loc *time.Location) string { return t.In(loc).Format(dayForm) }

// HalfDay names the local half-day of a moment: "2026-11-24/am" before 13:00 by the
// clock on the wall, "2026-11-24/pm" from then on. The half-day of a sitting is that
// of its beginning.
func HalfDay(t time.Time, loc *time.Location) string {
	local := t.In(loc)
	if local.Hour() < noon {
		return local.Format(dayForm) + "/am"
	}
	return local.Format(dayForm) + "/pm"
}

// HalfDaySpan gives the first moment of a half-day and the first moment after it.
// ErrDay for what HalfDay cannot have written.
func HalfDaySpan(half string, loc *time.Location) (from, until time.Time, err error) {
	day, part, _ := strings.Cut(half, "/")
	d, err := time.Parse(dayForm, day)
	if err != nil {
		return time.Time{}, time.Time{}, ErrDay
	}
	y, m, n := d.Date()
	middle := time.Date(y, m, n, noon, 0, 0, 0, loc)
	switch part {
	case "am":
		return firstOf(y, m, n, loc), middle, nil
	case "pm":
		return middle, firstOf(y, m, n+1, loc), nil
	}
	return time.Time{}, time.Time{}, ErrDay
}

// firstOf is the first moment of a local day. Where the clocks change at midnight
// the day begins at 01:00, and time.Date may answer 23:00 of the day before.
func firstOf(y int, m time.Month, d int, loc *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, loc)
	want := time.Date(y, m, d, 12, 0, 0, 0, loc).Day()
	for t.Day() != want {
		t = t.Add(15 * time.Minute)
	}
	return t
}

// CheckDay is ErrDay unless day is a date written YYYY-MM-DD.
func CheckDay(day string) error {
	if t, err := time.Parse(dayForm, day); err != nil || t.Format(dayForm) != day {
		return ErrDay
	}
	return nil
}

// At places a sitting in time, with its day.
func (s *Sitting) At(starts, ends time.Time, loc *time.Location) {
	s.StartsAt, s.EndsAt, s.Day = starts, ends, Day(starts, loc)
}

// Check refuses a sitting that cannot be kept.
func (s Sitting) Check() error {
	switch {
	case !slices.Contains(kinds(), s.Kind):
		return ErrKind
	case !s.EndsAt.After(s.StartsAt) || s.EndsAt.Sub(s.StartsAt) > longest:
		return ErrTimes
	case CheckDay(s.Day) != nil:
		return ErrDay
	case strings.TrimSpace(s.Label) == "" || !fitsMessage(s.ShortLabel):
		return ErrLabel
	case len(s.Groups) == 0:
		return ErrNobody
	}
	return nil
}

// Check refuses a closure that cannot be kept.
func (c Closure) Check() error {
	if CheckDay(c.FromOn) != nil || CheckDay(c.UntilOn) != nil || c.UntilOn < c.FromOn {
		return ErrDay
	}
	if strings.TrimSpace(c.Reason) == "" {
		return ErrLabel
	}
	return nil
}

// ClosedOn finds the closure that holds on a day.
func ClosedOn(closures []Closure, day string) (Closure, bool) {
	for _, c := range closures {
		if c.FromOn <= day && day <= c.UntilOn {
			return c, true
		}
	}
	return Closure{}, false
}

// How far from a sitting it is still the one that a teacher means.
const (
	early = 10 * time.Minute // the door is opened, the list is looked at
	after = 5 * time.Minute  // the last name is called after the bell
)

// Current finds, among the sittings of one person, the one that the person means at a
// moment: the one that runs, the later one if two do; else the one that begins within
// ten minutes; else the one that ended less than five minutes ago.
func Current(sittings []Sitting, now time.Time) (Sitting, bool) {
	var best Sitting
	rank := 0
	for _, s := range sittings {
		r := 0
		switch {
		case s.Cancelled():
		case !now.Before(s.StartsAt) && now.Before(s.EndsAt):
			r = 3
		case now.Before(s.StartsAt) && s.StartsAt.Sub(now) <= early:
			r = 2
		case !now.Before(s.EndsAt) && now.Sub(s.EndsAt) < after:
			r = 1
		}
		switch {
		case r == 0 || r < rank:
		case r > rank, later(r, s, best):
			best, rank = s, r
		}
	}
	return best, rank > 0
}

// later chooses between two sittings of the same rank: of two that run or are over
// the one that began last, of two to come the one that begins first.
func later(rank int, s, than Sitting) bool {
	if rank == 2 {
		return s.StartsAt.Before(than.StartsAt)
	}
	return s.StartsAt.After(than.StartsAt)
}

// overlap tells whether two sittings share a moment. One that ends when the other
// begins does not.
func overlap(a, b Sitting) bool {
	return a.StartsAt.Before(b.EndsAt) && b.StartsAt.Before(a.EndsAt)
}

// clashes lists the sittings that share a moment and a group or a person in charge
// with s. It is said, not forbidden: a co-taught lesson or a replaced one is both.
func clashes(s Sitting, among []Sitting) []Sitting {
	var found []Sitting
	for _, o := range among {
		if o.ID == s.ID || o.Cancelled() || !overlap(s, o) {
			continue
		}
		if slices.ContainsFunc(s.Groups, func(g string) bool { return slices.Contains(o.Groups, g) }) ||
			slices.ContainsFunc(s.Staff, func(c Charge) bool { return o.In(c.Person) }) {
			found = append(found, o)
		}
	}
	return found
}

// callTimes gives the beginning and end of a roll called without a timetable: from
// the five-minute mark before now to the next full hour by the clock on the wall, or
// the one after it when less than a quarter of an hour would be left.
func callTimes(now time.Time, loc *time.Location) (starts, ends time.Time) {
	local := now.In(loc)
	past := time.Duration(local.Minute()%5)*time.Minute + time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
	starts = now.Add(-past)
	left := time.Duration(60-starts.In(loc).Minute()) * time.Minute
	if left < 15*time.Minute {
		left += time.Hour
	}
	return starts, starts.Add(left)
}

// schoolYearMost bounds how far a school day is looked for: no closure lasts longer.
const schoolYearMost = 400

// SchoolDayAfter is the n-th school day after a day: Monday to Friday, without closures.
// ErrDay when there is none within a year.
func SchoolDayAfter(closures []Closure, day string, n int) (string, error) {
	d, err := time.Parse(dayForm, day)
	if err != nil {
		return "", ErrDay
	}
	for range schoolYearMost {
		if n <= 0 {
			return d.Format(dayForm), nil
		}
		if d = d.AddDate(0, 0, 1); isSchoolDay(closures, d) {
			n--
		}
	}
	return "", ErrDay
}

// SchoolDays counts the school days after a day, up to another and with it.
func SchoolDays(closures []Closure, after, until string) (n int) {
	d, err := time.Parse(dayForm, after)
	if err != nil {
		return 0
	}
	for range schoolYearMost {
		if d = d.AddDate(0, 0, 1); d.Format(dayForm) > until {
			break
		}
		if isSchoolDay(closures, d) {
			n++
		}
	}
	return n
}

func isSchoolDay(closures []Closure, d time.Time) bool {
	if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
		return false
	}
	_, closed := ClosedOn(closures, d.Format(dayForm))
	return !closed
}
